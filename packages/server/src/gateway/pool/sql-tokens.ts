/**
 * SQL cut into tokens, as far as it takes to tell what stands in a statement from what stands in a
 * literal or a comment (manual, "Lexical Structure").
 */

export interface Token {
  /** A word without quotes, an identifier in quotes, a literal, or one character of anything else. */
  kind: 'word' | 'name' | 'literal' | 'symbol'
  /** Words in lower case; names and literals without their quotes. */
  text: string
  /** False where escapes keep `text` from being what PostgreSQL reads. */
  isExact: boolean
}

export interface Script {
  /** The tokens of each statement, without the semicolon. None is empty. */
  statements: Token[][]
  /**
   * Whether a literal ends elsewhere when `standard_conforming_strings` is off, so that nothing after it
   * is certain.
   */
  isAmbiguous: boolean
}

/** Never throws: what is left open ends with the text. */
export function readScript(sql: string): Script {
  const scanner = new Scanner(sql)
  const statements: Token[][] = []
  let statement: Token[] = []
  let depth = 0
  const end = () => {
    if (statement.length > 0) statements.push(statement)
    statement = []
  }
  for (let token = scanner.next(); token !== undefined; token = scanner.next()) {
    if (token.kind === 'symbol') {
      if (token.text === '(') depth++
      else if (token.text === ')') depth = Math.max(0, depth - 1)
      else if (token.text === ';' && depth === 0) {
        end()
        continue
      }
    }
    statement.push(token)
  }
  end()
  return { statements, isAmbiguous: scanner.isAmbiguous }
}

/** Space, or a comment to the end of its line. */
const blank = /(?:[ \t\n\r\f\v]+|--[^\n\r]*)+/y
const word = /[A-Za-z0-9_\x80-\uffff][\w$\x80-\uffff]*/y
const dollarQuote = /\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$/y
const parameter = /\$\d+/y
const prefixedQuote = /(?:[eE]|[bBxXnN]|[uU]&)'/y
const unicodeName = /[uU]&"/y

class Scanner {
  isAmbiguous = false

  readonly #sql: string
  #at = 0

  constructor(sql: string) {
    this.#sql = sql
  }

  next(): Token | undefined {
    this.#skipBlanks()
    const sql = this.#sql
    const char = sql[this.#at]
    if (char === undefined) return undefined
    if (char === "'") return this.#literal('')
    if (char === '"') return this.#name(true)
    if (char === '$') return this.#dollar()
    if (this.#match(prefixedQuote)) {
      this.#at--
      return this.#literal(char.toLowerCase())
    }
    if (this.#match(unicodeName)) {
      this.#at--
      return this.#name(false)
    }
    const text = this.#match(word)
    if (text !== undefined) return { kind: 'word', text: text.toLowerCase(), isExact: true }
    return this.#symbol()
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const [text] = pattern.exec(this.#sql) ?? []
    if (text !== undefined) this.#at += text.length
    return text
  }

  #symbol(): Token {
    return { kind: 'symbol', text: this.#sql[this.#at++] ?? '', isExact: true }
  }

  #skipBlanks(): void {
    do this.#match(blank)
    while (this.#skipComment())
  }

  /** Comments nest. */
  #skipComment(): boolean {
    if (!this.#sql.startsWith('/*', this.#at)) return false
    const edge = /\/\*|\*\//g
    edge.lastIndex = this.#at
    let depth = 0
    for (let found = edge.exec(this.#sql); found; found = edge.exec(this.#sql)) {
      depth += found[0] === '/*' ? 1 : -1
      if (depth > 0) continue
      this.#at = edge.lastIndex
      return true
    }
    this.#at = this.#sql.length
    return false
  }

  /** From its opening quote; `prefix` is the letter before it. */
  #literal(prefix: string): Token {
    const start = ++this.#at
    const end = this.#closing(prefix === 'e' ? /\\[^]|'/g : /'/g, "'")
    const raw = this.#sql.slice(start, end)
    // Read the other way, its last quote or one of those within would not end it.
    if (prefix !== 'e' && `${raw}'`.includes("\\'")) this.isAmbiguous = true
    const isExact = prefix !== 'u' && !raw.includes('\\')
    return { kind: 'literal', text: raw.replaceAll("''", "'"), isExact }
  }

  #name(isExact: boolean): Token {
    const start = ++this.#at
    const end = this.#closing(/"/g, '"')
    return { kind: 'name', text: this.#sql.slice(start, end).replaceAll('""', '"'), isExact }
  }

  /** Where the closing quote is; goes past it. A quote twice is one in the text. */
  #closing(edge: RegExp, quote: string): number {
    const sql = this.#sql
    edge.lastIndex = this.#at
    for (let found = edge.exec(sql); found; found = edge.exec(sql)) {
      if (found[0] !== quote) continue
      if (sql[edge.lastIndex] !== quote) {
        this.#at = edge.lastIndex
        return found.index
      }
      edge.lastIndex++
    }
    this.#at = sql.length
    return sql.length
  }

  #dollar(): Token {
    const text = this.#match(parameter)
    if (text !== undefined) return { kind: 'symbol', text, isExact: true }
    const tag = this.#match(dollarQuote)
    if (tag === undefined) return this.#symbol()
    const start = this.#at
    const found = this.#sql.indexOf(tag, start)
    const end = found === -1 ? this.#sql.length : found
    this.#at = found === -1 ? end : end + tag.length
    return { kind: 'literal', text: this.#sql.slice(start, end), isExact: true }
  }
}
