/** A part of a text, in UTF-16 code units. */
export interface Span {
  from: number
  to: number
}

/**
 * Where statements are, as far as the browser has to know: which one the cursor is in. What is run is
 * taken apart by PostgreSQL's own parser, on the server. Semicolons in strings, bodies, comments and
 * brackets end nothing, nor do those of a function's `BEGIN ATOMIC`.
 */
export function splitStatements(sql: string): Span[] {
  const spans: Span[] = []
  let from: number | undefined
  let to = 0
  let brackets = 0
  let words: string[] = []
  let blocks = 0
  const finish = (): void => {
    if (from !== undefined) spans.push({ from, to })
    from = undefined
    brackets = 0
    blocks = 0
    words = []
  }
  for (const token of tokensOf(sql)) {
    if (token.kind === 'blank') continue
    const text = sql.slice(token.from, token.to)
    if (text === ';' && brackets === 0 && blocks === 0) {
      finish()
      continue
    }
    from ??= token.from
    to = token.to
    if (text === '(' || text === '[') brackets += 1
    else if (text === ')' || text === ']') brackets = Math.max(0, brackets - 1)
    else if (token.kind === 'word') {
      const word = text.toLowerCase()
      if (words.length < 5) words.push(word)
      if (isRoutine(words)) blocks = Math.max(0, blocks + blockStep(word, blocks, sql, token.to))
    }
  }
  finish()
  return spans
}

const isRoutine = (words: readonly string[]): boolean =>
  words[0] === 'create' && words.some((word) => word === 'function' || word === 'procedure')

/** `BEGIN ATOMIC` opens a body; within it CASE and its END are a pair of their own. */
function blockStep(word: string, blocks: number, sql: string, end: number): number {
  if (word === 'begin') return /^\s+atomic\b/i.test(sql.slice(end, end + 40)) ? 1 : 0
  if (blocks === 0) return 0
  if (word === 'case') return 1
  return word === 'end' ? -1 : 0
}

interface Token extends Span {
  /** Comments are blank. A string or quoted name is `quoted`. */
  kind: 'blank' | 'word' | 'quoted' | 'other'
}

/** Of SQL as PostgreSQL reads it (manual, "Lexical Structure"); what is not closed ends with the text. */
export function* tokensOf(sql: string): Generator<Token> {
  let from = 0
  while (from < sql.length) {
    const [kind, to] = tokenAt(sql, from)
    yield { kind, from, to }
    from = to
  }
}

const patterns: ReadonlyArray<readonly [Token['kind'], RegExp]> = [
  ['blank', /\s+|--[^\n]*/y],
  // Only with E a backslash means something.
  ['quoted', /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y],
  ['quoted', /(?:[uU]&|[bBxXnN])?'(?:[^']|'')*(?:'|$)/y],
  ['quoted', /"(?:[^"]|"")*(?:"|$)/y],
  ['quoted', /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*|)\$[\s\S]*?(?:\$\1\$|$)/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ['other', /\d[\w.]*/y],
]

function tokenAt(sql: string, from: number): [Token['kind'], number] {
  if (sql.startsWith('/*', from)) return ['blank', endOfComment(sql, from)]
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = from
    if (pattern.test(sql)) return [kind, pattern.lastIndex]
  }
  return ['other', from + 1]
}

/** Comments of this kind nest. */
function endOfComment(sql: string, from: number): number {
  const edges = /\/\*|\*\//g
  edges.lastIndex = from
  let depth = 0
  for (let edge = edges.exec(sql); edge !== null; edge = edges.exec(sql)) {
    depth += edge[0] === '/*' ? 1 : -1
    if (depth === 0) return edges.lastIndex
  }
  return sql.length
}

/** The statement that a cursor is in or behind, the next one where it is before all. */
export function statementAt(sql: string, cursor: number): Span | undefined {
  const spans = splitStatements(sql)
  const inside = spans.find(({ from, to }) => cursor >= from && cursor <= to)
  if (inside !== undefined) return inside
  // Just behind a semicolon is still that statement; on a line of its own it is the next.
  const before = spans.findLast(({ to }) => to <= cursor)
  const after = spans.find(({ from }) => from >= cursor)
  if (before && !sql.slice(before.to, cursor).includes('\n')) return before
  return after ?? before
}

/** The words of a statement, in lower case, without what is quoted or a comment. */
function* wordsOf(sql: string): Generator<string> {
  for (const { kind, from, to } of tokensOf(sql)) {
    if (kind === 'word') yield sql.slice(from, to).toLowerCase()
  }
}

const readingCommands = new Set(['select', 'table', 'values', 'show', 'with', 'explain'])
const writingWords = new Set(['insert', 'update', 'delete', 'merge', 'into', 'call', 'execute'])
const lockingClause = /\bfor\s+(?:no\s+key\s+)?(?:update|share|key\s+share)\b/gi

/**
 * Whether a statement only reads, as its words say; a function that it calls may write all the same. With
 * doubt it is said to write.
 */
export function isReading(sql: string): boolean {
  const words = [...wordsOf(sql.replaceAll(lockingClause, ' '))]
  const [command = ''] = words
  if (!readingCommands.has(command)) return false
  if (command === 'explain' && !words.some((word) => word.startsWith('analy'))) return true
  return !words.some((word) => writingWords.has(word))
}

/** The command a statement begins with, in lower case. */
export function commandOf(sql: string): string {
  return wordsOf(sql).next().value ?? ''
}
