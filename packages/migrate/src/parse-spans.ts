/** A statement in a text, in UTF-16 code units, with the blanks and comments before it, and its tree. */
export interface ParsedSpan {
  start: number
  end: number
  tree: unknown
}

/** Where statements are, by PostgreSQL's own parser. Rejects with its error where it cannot read the text. */
export async function parseSpans(sql: string): Promise<ParsedSpan[]> {
  const { loadModule, parseSync } = await import('libpg-query')
  await loadModule()
  const { stmts = [] } = parseSync(sql)
  // Places are counted in bytes of UTF-8, and ascend.
  const bytes = Buffer.from(sql)
  let [atByte, atUnit] = [0, 0]
  const unitOf = (byte: number): number => {
    atUnit += bytes.subarray(atByte, byte).toString().length
    atByte = byte
    return atUnit
  }
  return stmts.map(({ stmt: tree, stmt_location: start = 0, stmt_len: length = 0 }) => ({
    tree,
    start: unitOf(start),
    end: unitOf(length === 0 ? bytes.length : start + length),
  }))
}
