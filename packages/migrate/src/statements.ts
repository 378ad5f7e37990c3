import { AdvisedError } from './advised-error.ts'
import { type ParsedSpan, parseSpans } from './parse-spans.ts'
import { isTransactional } from './transactional.ts'
import { type Fields, isFields, nodeOf, text, type TreeNode } from './tree.ts'

/** A statement of a file, as PostgreSQL's own parser has found it. */
export interface Statement {
  text: string
  /** In the file, from 1. */
  line: number
  node: TreeNode
  /** Whether PostgreSQL lets it run in a transaction block. */
  transactional: boolean
}

/** SQL with the place that it comes from, for errors. */
export interface Source {
  name: string
  sql: string
  /** The line of the file on which `sql` begins, from 1. */
  firstLine: number
}

/** Takes SQL apart. Rejects, with the line, what PostgreSQL could not read and what only psql can. */
export async function parseStatements(source: Source): Promise<Statement[]> {
  // Where there is nothing but comments, the parser answers an error.
  if (skipBlank(source.sql, 0) === source.sql.length) return []
  try {
    return (await parseSpans(source.sql)).map((span) => statementAt(source, span))
  } catch (error) {
    throw error instanceof AdvisedError ? error : explain(source, error)
  }
}

function statementAt(source: Source, span: ParsedSpan): Statement {
  const raw = source.sql.slice(span.start, span.end)
  const start = skipBlank(raw, 0)
  const node = nodeOf(span.tree)
  const line = source.firstLine + countLines(source.sql.slice(0, span.start + start))
  if (!node) throw new AdvisedError(`${source.name}:${line}: this statement cannot be read.`)
  refuseUnrunnable(source, line, node)
  return { text: raw.slice(start).trimEnd(), line, node, transactional: isTransactional(node) }
}

function refuseUnrunnable({ name }: Source, line: number, { kind, fields }: TreeNode): void {
  if (kind === 'CopyStmt' && fields['filename'] === undefined) throw copyOfRows(name, line)
}

function copyOfRows(name: string, line: number): AdvisedError {
  return new AdvisedError(
    `${name}:${line}: COPY between a client and the server is done by psql.`,
    {
      advice: 'Write the rows as INSERT, or load them with `coppice psql` after the migration.',
    },
  )
}

/** Past white space and comments, which nest as in PostgreSQL. */
export function skipBlank(sql: string, from: number): number {
  let at = from
  for (;;) {
    const [blank = ''] = /^[\s;]*/.exec(sql.slice(at)) ?? []
    at += blank.length
    if (sql.startsWith('--', at)) {
      const end = sql.indexOf('\n', at)
      at = end < 0 ? sql.length : end + 1
    } else if (sql.startsWith('/*', at)) at = skipBlockComment(sql, at)
    else return at
  }
}

function skipBlockComment(sql: string, from: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = from
  let depth = 0
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return sql.length
}

function explain({ name, sql, firstLine }: Source, error: unknown): unknown {
  const details: Fields =
    error instanceof Error && 'sqlDetails' in error && isFields(error.sqlDetails)
      ? error.sqlDetails
      : {}
  const position = details['cursorPosition']
  if (!(error instanceof Error) || typeof position !== 'number') return error
  // The parser counts characters, as code points.
  const before = sql.slice(0, indexOfCharacter(sql, position))
  const line = firstLine + countLines(before)
  // The rows below it are no SQL, so the parser stops there.
  const copy = lineOf(sql, /^\s*copy\b[^;]*\bfrom\s+stdin\b/i)
  if (copy !== undefined && firstLine + copy < line) return copyOfRows(name, firstLine + copy)
  const meta = metaCommand(sql)
  if (meta) {
    return new AdvisedError(
      `${name}:${firstLine + meta.line}: ${meta.word} is a command of psql, not SQL.`,
      {
        advice: adviceFor(meta.word),
        cause: error,
      },
    )
  }
  return new AdvisedError(`${name}:${line}: ${text(details['message']) ?? error.message}`, {
    cause: error,
  })
}

/** The first line that begins as psql's commands do. */
function metaCommand(sql: string): { word: string; line: number } | undefined {
  const line = lineOf(sql, /^\s*\\\w/)
  if (line === undefined) return undefined
  const [word] = /\\\w+/.exec(sql.split('\n')[line] ?? '') ?? []
  return word === undefined ? undefined : { word, line }
}

/** The first line that is so, from 0. */
function lineOf(sql: string, pattern: RegExp): number | undefined {
  const line = sql.split('\n').findIndex((content) => pattern.test(content))
  return line < 0 ? undefined : line
}

function adviceFor(word: string): string {
  switch (word) {
    case '\\i':
    case '\\ir':
    case '\\include':
      return 'Give the included file by itself; files run in the order of their names.'
    case '\\c':
    case '\\connect':
      return 'A migration is for one database: choose it with --database-name, and take the line out.'
    case '\\set':
    case '\\gset':
    case '\\if':
      return 'Write the value into the SQL, or decide in a DO block.'
    default:
      return 'Take the line out; what is left has to be SQL.'
  }
}

/** Where the n-th code point begins, which is what PostgreSQL calls a character. */
export function indexOfCharacter(content: string, n: number): number {
  let index = 0
  for (let left = n; left > 0 && index < content.length; left--) {
    index += (content.codePointAt(index) ?? 0) > 0xff_ff ? 2 : 1
  }
  return index
}

/** How many ends of lines there are. */
export function countLines(content: string): number {
  return content.split('\n').length - 1
}
