/**
 * A text as a literal of ASCII characters, so that it means the same whatever `client_encoding` and
 * `standard_conforming_strings` the session has.
 */
export function quoteLiteral(text: string): string {
  const escaped = text.replace(/['\\]|[^\x20-\x7e]/gu, escapeOne)
  return escaped === text ? `'${text}'` : `E'${escaped}'`
}

function escapeOne(char: string): string {
  if (char === "'") return "''"
  if (char === '\\') return '\\\\'
  return `\\U${(char.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
}

/** A setting's name; of those with a dot each part is an identifier. */
export function quoteSettingName(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}
