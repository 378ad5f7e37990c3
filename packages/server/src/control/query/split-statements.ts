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
  const { loadModule, parseSync } = await import('libpg-query')
  await loadModule()
  try {
    const { stmts = [] } = parseSync(sql)
    // Places are counted in bytes of UTF-8.
    const bytes = Buffer.from(sql)
    return stmts.map(({ stmt_location: start = 0, stmt_len: length = 0 }) => {
      const stop = length === 0 ? bytes.length : start + length
      const before = bytes.subarray(0, start).toString().length
      const text = bytes.subarray(start, stop).toString()
      return { start: before + leadingBlank(text), end: before + text.trimEnd().length }
    })
  } catch {
    const end = sql.trimEnd().length
    return end === 0 ? [] : [{ start: Math.min(leadingBlank(sql), end), end }]
  }
}

/** White space and empty statements before the first word or comment. */
const leadingBlank = (text: string): number => /^[\s;]*/.exec(text)?.[0].length ?? 0
