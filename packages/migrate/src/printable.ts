/**
 * Names and messages are other people's text: their escape sequences must not reach a terminal, nor what
 * changes the direction of writing, by which a name can look like another (Unicode, "Bidi_Control").
 */
export function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]|\p{Bidi_Control}/gu, '\uFFFD')
}
