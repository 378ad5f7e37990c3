/** Array literals of PostgreSQL (manual, "Array Input and Output Syntax") from JSON values and to JSON text. */

/** Text of a parameter from a JSON array: nested ones are dimensions, objects are JSON texts. */
export function arrayLiteral(values: readonly unknown[]): string {
  return `{${values.map(elementLiteral).join(',')}}`
}

function elementLiteral(value: unknown): string {
  if (value === null) return 'NULL'
  if (Array.isArray(value)) return arrayLiteral(value)
  // Of millions in one request the rest would take seconds.
  if (typeof value === 'number' || typeof value === 'boolean') return `"${value}"`
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/**
 * JSON text of an array as PostgreSQL writes it, by the JSON text of its elements. Throws SyntaxError
 * for anything else.
 */
export function arrayToJson(
  literal: string,
  elementToJson: (text: string) => string,
  delimiter: string,
): string {
  // Bounds that do not begin at 1 stand before: `[0:1]={…}`.
  let at = literal.startsWith('[') ? literal.indexOf('=') + 1 : 0
  if (literal[at] !== '{') throw malformed()
  let json = ''
  let depth = 0
  do {
    const mark = marks.get(literal[at]) ?? (literal[at] === delimiter ? ',' : undefined)
    if (mark === '[') depth++
    else if (mark === ']') depth--
    if (mark === undefined) {
      const { text, end } = readElement(literal, at, delimiter)
      json += text === undefined ? 'null' : elementToJson(text)
      at = end
    } else {
      json += mark
      at++
    }
  } while (depth > 0 && at < literal.length)
  if (depth !== 0 || at !== literal.length) throw malformed()
  return json
}

const marks = new Map<string | undefined, string>([
  ['{', '['],
  ['}', ']'],
])

/** One element and where it ends; undefined for NULL. */
function readElement(
  literal: string,
  start: number,
  delimiter: string,
): { text: string | undefined; end: number } {
  if (literal[start] === '"') return readQuoted(literal, start + 1)
  let end = start
  while (end < literal.length && literal[end] !== delimiter && literal[end] !== '}') end++
  const text = literal.slice(start, end)
  return { text: text === 'NULL' ? undefined : text, end }
}

function readQuoted(literal: string, start: number): { text: string; end: number } {
  let text = ''
  for (let at = start; at < literal.length; at++) {
    if (literal[at] === '"') return { text, end: at + 1 }
    if (literal[at] === '\\') at++
    text += literal[at] ?? ''
  }
  throw malformed()
}

function malformed(): SyntaxError {
  return new SyntaxError('malformed array literal')
}
