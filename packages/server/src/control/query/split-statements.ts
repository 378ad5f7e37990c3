import { parseSpans } from '@coppice/migrate/parse-spans'

/** A statement in a text, in UTF-16 code units, without its semicolon. */
export interface StatementSpan {
  start: number
  end: number
}

/**
 * Where the statements of a text are, found by PostgreSQL's own parser. A text that it cannot read is one
 * statement: the server, which may be of another version, has the last word.
 */
export async function splitStatements(sql: string): Promise<StatementSpan[]> {
  try {
    return (await parseSpans(sql)).map(({ start, end }) => {
      const text = sql.slice(start, end)
      return { start: start + leadingBlank(text), end: start + text.trimEnd().length }
    })
  } catch {
    const end = sql.trimEnd().length
    return end === 0 ? [] : [{ start: Math.min(leadingBlank(sql), end), end }]
  }
}

/** White space and empty statements before the first word or comment. */
const leadingBlank = (text: string): number => /^[\s;]*/.exec(text)?.[0].length ?? 0
