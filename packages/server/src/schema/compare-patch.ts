import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'

interface Side {
  text: string
  /** Tells one side from the other in the heading. */
  label: string
}

/** Beyond this the texts have so little in common that a diff tells nothing. */
const timeoutMs = 20_000

/**
 * A unified diff of two texts, with three lines of context, as Neon's command line prints it; empty
 * where they are equal, undefined where it would take too long. Lets others work meanwhile.
 */
export async function comparePatch(
  name: string,
  base: Side,
  compared: Side,
): Promise<string | undefined> {
  if (base.text === compared.text) return ''
  return new Promise((resolve) => {
    createTwoFilesPatch(name, name, base.text, compared.text, base.label, compared.label, {
      context: 3,
      headerOptions: FILE_HEADERS_ONLY,
      timeout: timeoutMs,
      callback: resolve,
    })
  })
}
