import { open, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** How much of the end of a log is looked at for its last lines. */
const tailMaxBytes = 1024 * 1024
const pollMs = 250

/** The last lines of a file; none where it is not there. */
export async function tailFile(path: string, count: number): Promise<string[]> {
  const text = await readEnd(path, tailMaxBytes)
  if (text === undefined) return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.slice(-count)
}

/** The end of a file as text, undefined where it is not there. */
export async function readEnd(path: string, maxBytes: number): Promise<string | undefined> {
  const sizeBytes = await sizeOf(path)
  return sizeBytes === undefined ? undefined : readFrom(path, Math.max(0, sizeBytes - maxBytes))
}

/** Lines as they are appended to a file, from its present end; a new file is read from its start. */
export async function* followFile(path: string): AsyncGenerator<string> {
  let position = (await sizeOf(path)) ?? 0
  let rest = ''
  for (;;) {
    const sizeBytes = (await sizeOf(path)) ?? 0
    if (sizeBytes < position) {
      position = 0
      rest = ''
    }
    if (sizeBytes > position) {
      const text = await readFrom(path, position)
      position += Buffer.byteLength(text)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    } else {
      await delay(pollMs)
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch {
    // Not there yet, or not any more.
    return undefined
  }
}

async function readFrom(path: string, start: number): Promise<string> {
  const file = await open(path, 'r')
  try {
    const chunks: Buffer[] = []
    for await (const chunk of file.createReadStream({ start, autoClose: false })) {
      chunks.push(chunk as Buffer)
    }
    return Buffer.concat(chunks).toString()
  } finally {
    await file.close()
  }
}
