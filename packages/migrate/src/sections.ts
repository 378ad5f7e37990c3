/** Lines by which tools part the way forward from the way back, in one file. */
const marks: ReadonlyArray<{ up: RegExp; down: RegExp }> = [
  // node-pg-migrate
  { up: /^--\s*Up Migration\b.*$/im, down: /^--\s*Down Migration\b.*$/im },
  // dbmate
  { up: /^--\s*migrate:up\b.*$/im, down: /^--\s*migrate:down\b.*$/im },
  // goose
  { up: /^--\s*\+goose Up\b.*$/im, down: /^--\s*\+goose Down\b.*$/im },
]

/** The SQL of a file that migrates forward, and the line on which that begins. */
export function forwardPart(content: string): { sql: string; firstLine: number } {
  for (const { up, down } of marks) {
    const start = up.exec(content)?.index
    const end = down.exec(content)?.index
    if (start === undefined && end === undefined) continue
    const from = start ?? 0
    // The way back may also stand first.
    const sql = content.slice(from, end === undefined || end < from ? undefined : end)
    return { sql, firstLine: content.slice(0, from).split('\n').length }
  }
  return { sql: content, firstLine: 1 }
}
