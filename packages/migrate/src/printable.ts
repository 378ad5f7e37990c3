/** Names and messages are other people's text: their escape sequences must not reach a terminal. */
export function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '\uFFFD')
}
