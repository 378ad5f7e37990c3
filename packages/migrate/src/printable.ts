/**
 * Names and messages are other people's text: their escape sequences must not reach a terminal, nor what
 * changes the direction of writing, by which a name can look like another (Unicode, "Bidi_Control").
 */
export function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]|\p{Bidi_Control}/gu, '\uFFFD')
}

/** The same of code, which tabs indent. */
export function codeWithoutControls(text: string): string {
  return text.split('\t').map(withoutControls).join('\t')
}
