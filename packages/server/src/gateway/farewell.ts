import type { Duplex } from 'node:stream'

/** How long a client that has been told why may take to close. */
const defaultLingerMs = 2_000

/** Closes in order. Unread data would make the close a reset, which can overtake the last words. */
export function sayFarewell(stream: Duplex, lastWords?: Buffer, lingerMs = defaultLingerMs): void {
  if (lastWords) stream.end(lastWords)
  else stream.end()
  stream.resume()
  if (stream.closed) return
  const timer = setTimeout(() => stream.destroy(), lingerMs)
  stream.once('close', () => clearTimeout(timer))
}

/** Resolves once the stream is closed. */
export async function closing(stream: Duplex): Promise<void> {
  if (stream.closed) return
  await new Promise<void>((resolve) => {
    stream.once('close', () => resolve())
  })
}

/**
 * Notices the end of a stream that nobody reads from: 'end' comes only to those who read. What has
 * arrived stays in its buffer. A client that has closed its side gets the whole connection closed,
 * for it cannot log in any more.
 */
export function watchForEnd(stream: Duplex): () => void {
  const look = () => stream.read(0)
  const onEnd = () => stream.destroy()
  stream.on('readable', look).once('end', onEnd)
  look()
  return () => stream.off('readable', look).off('end', onEnd)
}
