/**
 * What the text of a statement may leave behind in its session, cheaply and on the safe side: a text
 * that is suspected without reason costs one inspection, one that is missed would leak. After a
 * transaction with a suspicious text the server itself is asked (`session-inspection.ts`). Settings are
 * made again on whatever server the client has next (`session-variables.ts`); all else pins the client
 * to its server until a later inspection finds it gone.
 *
 * Not seen, here or by an inspection, because PostgreSQL shows it to nobody: the sequences that `currval`
 * and `lastval` go back to, the seed of `setseed`, what an extension keeps for itself (the connections of
 * dblink, the globals of PL/Perl, PL/Python and PL/v8), and that a setting `app.x` was made by SET LOCAL: it is
 * empty from then on instead of missing. As in every pooler, these need a direct connection.
 */
import { readScript, type Token } from './sql-tokens.ts'
import { statementPrefix } from './statement-prefix.ts'

/** State that keeps a client on its server. */
export type PinKind =
  | 'LISTEN'
  | 'temporary object'
  | 'session advisory lock'
  | 'WITH HOLD cursor'
  | 'prepared statement'
  | 'LOAD'

export interface SessionHints {
  /**
   * Settings with a dot, such as `app.tenant`, that may have been set. PostgreSQL does not list them, so
   * an inspection has to name them. In lower case.
   */
  customSettings: readonly string[]
  /** Whether there may be more of these, whose names the text does not tell. */
  hasUnknownSetting: boolean
  /** What the text seems to make. Incomplete where it runs code: `DO`, `CALL`. */
  pins: readonly PinKind[]
  /** A library is loaded for the rest of the session; no inspection finds it. */
  isLoad: boolean
  /** The text can only have ended something: of interest where the session holds something. */
  onlyEnds?: boolean
  /**
   * Something was run that stands in no text, or that was not read to its end. Nobody means to keep a setting
   * that is made so: what an inspection does not find is taken from the session before it goes on.
   */
  isUnread?: boolean
}

/** Words that matter where a statement begins: the first of the text, or after `;`, a comment or a line. */
const openings =
  'set|reset|listen|unlisten|create|drop|prepare|deallocate|load|close|discard|do|call|explain'
/**
 * Functions that run a text, or a view, which they are given and which may be a parameter: all those of PostgreSQL
 * and its extensions that call SPI with it (xml.c, tsvector_op.c, tsquery_rewrite.c; tablefunc, xml2, dblink).
 */
export const runners =
  '(?:query|cursor|table|schema|database)_to_xml|ts_stat|ts_rewrite|crosstab|connectby|xpath_table|dblink'
/** Words that matter wherever they stand. INTO does where it may make a table. */
const anywhere = String.raw`${runners}|${statementPrefix}|set_config|pg_settings|advisory_(?:un)?lock|\bhold\b|u&"|(?<!(?:insert|merge)\s)\binto\b`

/** Matches every text in which `Finder` can find something, in a time that its length bounds. */
const suspicious = new RegExp(
  String.raw`(?:^\s*|[;\n\r][ \t\f\v]*|\*\/[ \t\f\v]*)(?:${openings})\b|${anywhere}`,
  'i',
)

/** Also where a name of ours stands: what it runs, or takes from others, is another's statement. */
const runs = new RegExp(`${runners}|${statementPrefix}`, 'i')

/** Reading a text takes a millisecond for some kilobytes, in which everybody waits. */
const maxReadChars = 32 * 1024

/** What is known of a text that was not read. */
export const unread: SessionHints = {
  customSettings: [],
  hasUnknownSetting: false,
  pins: [],
  isLoad: false,
  isUnread: true,
}

/** Of the text of a Query or Parse; undefined where it leaves the session as it is. */
export function hintsOf(sql: string): SessionHints | undefined {
  if (!suspicious.test(sql)) return undefined
  const hints = new Finder().readScript(beginningOf(sql)).hints()
  return isLong(sql) || runs.test(sql) ? mergeHints(hints, unread) : hints
}

/** Whether only its beginning is read. */
export function isLong(sql: string): boolean {
  return sql.length > maxReadChars
}

export function beginningOf(sql: string): string {
  return sql.slice(0, maxReadChars)
}

/** Both together. */
export function mergeHints(
  one: SessionHints | undefined,
  other: SessionHints | undefined,
): SessionHints | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    customSettings: [...new Set([...one.customSettings, ...other.customSettings])],
    hasUnknownSetting: one.hasUnknownSetting || other.hasUnknownSetting,
    pins: [...new Set([...one.pins, ...other.pins])],
    isLoad: one.isLoad || other.isLoad,
    ...(one.onlyEnds === true && other.onlyEnds === true ? { onlyEnds: true } : {}),
    ...(one.isUnread === true || other.isUnread === true ? { isUnread: true } : {}),
  }
}

/** What a function's body may leave behind, where its language reads as SQL does. */
export function hintsOfBody(body: string): SessionHints | undefined {
  const hints = new Finder().readCode(body).hints()
  return runs.test(body) ? mergeHints(hints, unread) : hints
}

/** What the literals of a text may leave behind, where a function runs them. */
export function hintsOfLiterals(sql: string): SessionHints | undefined {
  return new Finder().readLiterals(beginningOf(sql)).hints()
}

export interface Refusal {
  kind: PinKind
  /** For the client. */
  message: string
}

/**
 * What a client would be pinned for, where the pool refuses that. Only what is plain in the text: not
 * what a function, a `DO` block or a literal hides, nor what a long text has at its end.
 */
export function refusalOf(sql: string): Refusal | undefined {
  if (!suspicious.test(sql)) return undefined
  for (const statement of readScript(beginningOf(sql)).statements) {
    const kind = pinOf(statement)
    if (kind !== undefined) return { kind, message: refusalMessage(kind) }
  }
  return undefined
}

function refusalMessage(kind: PinKind): string {
  return (
    `${nouns[kind]} cannot be used through this pooler, which gives a session to a client for one ` +
    'transaction only (session_state = refuse): use a direct connection, whose host name has no "-pooler"'
  )
}

const nouns: Readonly<Record<PinKind, string>> = {
  LISTEN: 'LISTEN',
  'temporary object': 'A temporary table or other temporary object (except ON COMMIT DROP)',
  'session advisory lock': 'A session-level advisory lock (pg_advisory_xact_lock works)',
  'WITH HOLD cursor': 'A cursor WITH HOLD',
  'prepared statement': "PREPARE (a driver's own prepared statements work)",
  LOAD: 'LOAD',
}

const enders = new Set(['unlisten', 'drop', 'deallocate', 'close'])
const temporary = new Set(['temp', 'temporary'])
const transactional = new Set(['local', 'transaction', 'constraints'])

/** The state that a statement plainly makes. */
function pinOf(statement: readonly Token[]): PinKind | undefined {
  const [first, second] = statement.map(wordOf)
  if (first === 'listen') return 'LISTEN'
  if (first === 'load') return 'LOAD'
  if (first === 'prepare' && second !== 'transaction') return 'prepared statement'
  if (first === 'declare' && hasWords(statement, 'with', 'hold')) return 'WITH HOLD cursor'
  if (makesTemporary(statement)) return 'temporary object'
  return statement.some((token, at) => isLockCall(statement, token, at))
    ? 'session advisory lock'
    : undefined
}

function makesTemporary(statement: readonly Token[]): boolean {
  const first = wordOf(statement[0])
  const isCreate = first === 'create' || (first === 'explain' && hasWords(statement, 'create'))
  const modifiers = isCreate ? createModifiers : intoModifiers
  const at = statement.findIndex(
    (token, index) => temporary.has(wordOf(token)) && modifiers.has(wordOf(statement[index - 1])),
  )
  return at !== -1 && !isDroppedOnCommit(statement)
}

function isDroppedOnCommit(statement: readonly Token[]): boolean {
  return hasWords(statement, 'on', 'commit', 'drop')
}

/** What may stand before TEMP in CREATE and in SELECT INTO. */
const createModifiers = new Set(['create', 'replace', 'local', 'global'])
const intoModifiers = new Set(['into', 'local', 'global'])

function isLockCall(statement: readonly Token[], token: Token, at: number): boolean {
  return (
    isCall(statement, at) && /^pg_(?:try_)?advisory_lock(?:_shared)?$/.test(identifierOf(token))
  )
}

function isCall(statement: readonly Token[], at: number): boolean {
  return isSymbol(statement[at + 1], '(')
}

function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text
}

function wordOf(token: Token | undefined): string {
  return token?.kind === 'word' ? token.text : ''
}

function identifierOf(token: Token): string {
  return token.kind === 'word' || token.kind === 'name' ? token.text : ''
}

/** Whether these words follow each other somewhere. */
function hasWords(statement: readonly Token[], ...words: readonly string[]): boolean {
  return statement.some((_, at) =>
    words.every((word, offset) => wordOf(statement[at + offset]) === word),
  )
}

/** How deep literals within literals are read as statements. */
const maxDepth = 4
/** Names of settings that one text can tell; more of them are unknown ones. */
const maxNames = 50
/** As far as the arguments of `set_config` are read, and for how many of its calls. */
const maxArgumentTokens = 500
const maxCalls = 500

/** Gathers what statements may do. */
class Finder {
  readonly #names = new Set<string>()
  readonly #pins = new Set<PinKind>()
  #hasUnknownSetting = false
  #changes = false
  #ends = false
  #isUnread = false
  #calls = 0

  /** What was found; undefined for nothing. */
  hints(): SessionHints | undefined {
    if (!this.#changes && !this.#ends && !this.#isUnread) return undefined
    const names = [...this.#names]
    return {
      customSettings: names.slice(0, maxNames),
      hasUnknownSetting: this.#hasUnknownSetting || names.length > maxNames,
      pins: [...this.#pins],
      isLoad: this.#pins.has('LOAD'),
      ...(this.#changes || this.#isUnread ? {} : { onlyEnds: true }),
      ...(this.#isUnread ? { isUnread: true } : {}),
    }
  }

  /** What a client sends. */
  readScript(sql: string): this {
    const { statements, isAmbiguous } = readScript(sql)
    if (isAmbiguous) this.#distrust(sql)
    for (const statement of statements) {
      const first = wordOf(statement[0])
      if (first === 'create') this.#changes ||= !isDroppedOnCommit(statement)
      else if (first === 'call' || first === 'discard') this.#changes = true
      else if (first === 'explain') this.#changes ||= hasWords(statement, 'create')
      this.#readOpening(statement, 0)
      this.#readAnywhere(statement, 0)
      if (makesTable(statement)) this.#changes = true
    }
    return this
  }

  /** A body, or a text that is run within one. */
  readCode(body: string, depth = 0): this {
    const { statements, isAmbiguous } = readScript(body)
    if (isAmbiguous) this.#distrust(body)
    for (const statement of statements) {
      for (const inner of innerStatements(statement)) this.#readOpening(inner, depth)
      this.#readAnywhere(statement, depth)
    }
    const runsTexts = statements.some((statement) => hasWords(statement, 'execute'))
    if (runsTexts && depth < maxDepth) this.#readDynamic(literalsIn(statements), depth)
    this.#isUnread ||= runsTexts && (depth >= maxDepth || statements.some(executesUnread))
    return this
  }

  /** The literals of a text that is given to somebody who runs them. */
  readLiterals(sql: string): this {
    this.#readDynamic(literalsIn(readScript(sql).statements), 0)
    return this
  }

  /** Where literals may end elsewhere, anything that looks like a setting may be one. */
  #distrust(sql: string): void {
    this.#changes = true
    if (/set_config/i.test(sql)) this.#hasUnknownSetting = true
    if (/\bload\b/i.test(sql)) this.#pins.add('LOAD')
    for (const [, name = ''] of sql.matchAll(settingPattern)) this.#addName(name)
  }

  #readOpening(statement: readonly Token[], depth: number): void {
    const first = wordOf(statement[0])
    const pin = pinOf(statement)
    if (pin !== undefined) this.#pin(pin)
    else if (first === 'set' || first === 'reset') this.#readSet(statement)
    else if (isDo(statement)) this.#readDo(statement, depth)
    else if (enders.has(first)) this.#ends = true
  }

  #pin(kind: PinKind): void {
    this.#pins.add(kind)
    this.#changes = true
  }

  /** `statement` begins with SET or RESET. */
  #readSet(statement: readonly Token[]): void {
    const isQualified = (at: number) => isSymbol(statement[at + 1], '.')
    const second = wordOf(statement[1])
    if (statement.length < 2 || (transactional.has(second) && !isQualified(1))) return
    let at = second === 'session' && !isQualified(1) ? 2 : 1
    const parts = [nameOf(statement[at])]
    // A piece of a text that is put together.
    if (parts[0] === '') return
    this.#changes = true
    for (; isQualified(at); at += 2) parts.push(nameOf(statement[at + 2]))
    this.#addName(parts.join('.'))
  }

  #addName(name: string): void {
    if (!/[^\x21-\x7e]/.test(name) && !name.split('.').includes('')) {
      if (name.includes('.')) this.#names.add(name.toLowerCase())
      // What is not ASCII may be in another encoding here than in an inspection.
    } else this.#hasUnknownSetting = true
  }

  /** DO runs code that the text tells. */
  #readDo(statement: readonly Token[], depth: number): void {
    this.#changes = true
    const literals = literalsIn([statement])
    // Also its language may be a literal.
    const isPlain = literals.length === 1 && !hasWords(statement, 'language')
    const isRead = isPlain || hasWords(statement, 'language', 'plpgsql')
    if (!isRead || depth >= maxDepth || !literals.every(({ isExact }) => isExact)) {
      this.#isUnread = true
    }
    if (depth >= maxDepth) return
    for (const { text } of literals) this.readCode(text, depth + 1)
  }

  #readAnywhere(statement: readonly Token[], depth: number): void {
    const isStored = makesRoutine(statement)
    for (const [at, token] of statement.entries()) {
      if (token.kind === 'symbol') continue
      if (token.kind !== 'literal') this.#readIdentifier(statement, token, at)
      else if (!isStored && depth < maxDepth) this.#readLiteral(token, depth)
    }
  }

  #readIdentifier(statement: readonly Token[], token: Token, at: number): void {
    const { text } = token
    if (!token.isExact) {
      this.#changes = true
      this.#hasUnknownSetting = true
    } else if (text === 'set_config') {
      if (isCall(statement, at)) this.#readSetConfig(statement, at + 1)
    } else if (text === 'pg_settings') this.#changes = true
    else if (text.startsWith('pg_advisory_unlock')) this.#ends = true
    else if (isLockCall(statement, token, at)) this.#pin('session advisory lock')
  }

  /**
   * Some functions run the text that they are given: `query_to_xml`, `ts_stat`, `dblink`. A text that is
   * only stored must not pin, so names that it leaves open do not count.
   */
  #readLiteral({ text }: Token, depth: number): void {
    if (!/set_config|pg_settings|advisory_(?:un)?lock/i.test(text)) return
    const hasUnknownSetting = this.#hasUnknownSetting
    this.readCode(text, depth + 1)
    this.#hasUnknownSetting = hasUnknownSetting
  }

  /** `set_config(name, value, is_local)`, from its parenthesis. */
  #readSetConfig(statement: readonly Token[], open: number): void {
    const isRead = ++this.#calls <= maxCalls
    const [name = [], , isLocal = []] = isRead ? argumentsFrom(statement, open) : []
    if (isTrue(isLocal)) return
    this.#changes = true
    const text = literalOf(name)
    if (text === undefined) this.#hasUnknownSetting = true
    else this.#addName(text)
  }

  /** Texts that are run, perhaps after they were put together: what they say, and what they leave open. */
  #readDynamic(literals: readonly Token[], depth: number): void {
    const updates = literals.some(({ text }) => /\b(?:update|conflict)\b/i.test(text))
    for (const { text } of literals) {
      this.readCode(text, depth + 1)
      for (const [, name = ''] of text.matchAll(dynamicSetPattern)) {
        if (/^["\w.]*["\w]$/.test(name)) continue
        // Else the piece is an UPDATE's: `' SET '`, `' set %I = '`.
        if (updates && !name.includes('.')) continue
        this.#changes = true
        this.#hasUnknownSetting = true
      }
    }
  }
}

const settingPattern = /\b(?:set|reset)\s+(?:session\s+)?([a-z_]\w*(?:\.\w+)+)/gi
/** SET as the beginning of a statement, with what follows it; some of it may be missing. */
const dynamicSetPattern =
  /(?:^\s*|;\s*)set\s+(?!(?:local|transaction|constraints)\b)(?:session\s+)?([^\s=]*)/gi

/** Whether EXECUTE is given anything but one literal, which has been read. */
function executesUnread(statement: readonly Token[]): boolean {
  return statement.some((token, at) => {
    if (wordOf(token) !== 'execute') return false
    const [operand, next] = statement.slice(at + 1, at + 3)
    const isPlain = operand?.kind === 'literal' && operand.isExact
    return !isPlain || (next !== undefined && !afterOperand.has(wordOf(next)))
  })
}

const afterOperand = new Set(['into', 'using', 'loop'])

/** DO, and not `DO NOTHING` after THEN. */
function isDo(statement: readonly Token[]): boolean {
  const [first, second] = statement
  return wordOf(first) === 'do' && (second?.kind === 'literal' || wordOf(second) === 'language')
}

/** CREATE FUNCTION or PROCEDURE: what it holds is not run now. */
function makesRoutine(statement: readonly Token[]): boolean {
  const [first, second, third, fourth] = statement.map(wordOf)
  const what = second === 'or' && third === 'replace' ? fourth : second
  return first === 'create' && (what === 'function' || what === 'procedure')
}

/** Whether INTO makes a table: a temporary one, where `search_path` begins with `pg_temp`. */
function makesTable(statement: readonly Token[]): boolean {
  return statement.some(
    (token, at) =>
      wordOf(token) === 'into' && !['insert', 'merge'].includes(wordOf(statement[at - 1])),
  )
}

function literalsIn(statements: readonly (readonly Token[])[]): Token[] {
  return statements.flatMap((statement) => statement.filter(({ kind }) => kind === 'literal'))
}

/** Words after which PL/pgSQL begins a statement. */
const blockWords = new Set(['begin', 'then', 'else', 'loop', 'atomic'])

/** A piece of PL/pgSQL between semicolons, cut where a statement may begin in it. */
function innerStatements(statement: readonly Token[]): Token[][] {
  const inner: Token[][] = [[]]
  for (const token of statement) {
    if (blockWords.has(wordOf(token))) inner.push([])
    else inner.at(-1)?.push(token)
  }
  return inner
}

/** The tokens of each argument, from the opening parenthesis. */
function argumentsFrom(tokens: readonly Token[], open: number): Token[][] {
  const found: Token[][] = [[]]
  let depth = 1
  for (const token of tokens.slice(open + 1, open + maxArgumentTokens)) {
    if (isSymbol(token, '(') || isSymbol(token, '[')) depth++
    if (isSymbol(token, ')') || isSymbol(token, ']')) depth--
    if (depth === 0) return found
    if (depth === 1 && isSymbol(token, ',')) found.push([])
    else found.at(-1)?.push(token)
  }
  return found
}

/** An identifier's text; empty for what is none, or cannot be read. */
function nameOf(token: Token | undefined): string {
  return token?.isExact ? identifierOf(token) : ''
}

/** The text of an argument that is a literal, also with a cast. */
function literalOf(argument: readonly Token[]): string | undefined {
  const [token, next] = argument
  if (token?.kind !== 'literal' || !token.isExact) return undefined
  return next === undefined || isSymbol(next, ':') ? token.text : undefined
}

function isTrue(argument: readonly Token[]): boolean {
  if (argument.length === 1 && wordOf(argument[0]) === 'true') return true
  return ['t', 'true'].includes(literalOf(argument)?.toLowerCase() ?? '')
}
