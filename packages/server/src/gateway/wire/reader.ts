import type { Readable } from 'node:stream'

import { Disconnected, protocolViolation } from '../errors.ts'
import { headerBytes } from './messages.ts'

export interface Message {
  type: string
  body: Buffer
}

/**
 * Exactly `length` bytes. Whatever follows them stays in the stream's own buffer, so that the
 * stream can be handed on (to TLS, to a relay) at any point. Rejects with Disconnected when it ends
 * first and with the signal's reason.
 */
export async function readBytes(
  stream: Readable,
  length: number,
  signal: AbortSignal,
): Promise<Buffer> {
  signal.throwIfAborted()
  if (length === 0) return Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      stream.off('readable', attempt).off('end', attempt).off('close', attempt)
      signal.removeEventListener('abort', onAbort)
      act()
    }
    const onAbort = () => settle(() => reject(signal.reason))
    const attempt = () => {
      // A read at the end of a stream answers what is left, which may be less.
      const bytes: Buffer | null = stream.read(length)
      if (bytes?.length === length) return settle(() => resolve(bytes))
      if (bytes !== null || stream.readableEnded || stream.destroyed) {
        settle(() => reject(new Disconnected('the peer')))
      }
    }
    stream.on('readable', attempt).on('end', attempt).on('close', attempt)
    signal.addEventListener('abort', onAbort)
    attempt()
  })
}

/** The next typed message. Rejects with a protocol violation where its body is over the limit. */
export async function readMessage(
  stream: Readable,
  maxBodyBytes: number,
  signal: AbortSignal,
): Promise<Message> {
  const header = await readBytes(stream, headerBytes, signal)
  const bodyBytes = header.readUInt32BE(1) - 4
  if (bodyBytes < 0 || bodyBytes > maxBodyBytes) {
    throw protocolViolation('invalid message length')
  }
  return { type: header.toString('latin1', 0, 1), body: await readBytes(stream, bodyBytes, signal) }
}
