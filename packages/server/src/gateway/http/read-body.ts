import type { Readable } from 'node:stream'

import { RequestError } from './failures.ts'

export interface BodyLimits {
  maxBytes: number
  /** Settles when the client is known. Until then little of the body is held. */
  admitted: Promise<unknown>
}

/** What a stranger may make us hold. */
const maxStrangersBytes = 64 * 1024
/** A client that hears of its mistake before it has sent all of it may not listen; over this, it need not. */
const maxDroppedBytes = 64 * 1024 * 1024

/**
 * The whole body. Rejects with RequestError where it is too large, and as `admitted` does; what is
 * left of the body is nobody's then.
 */
export async function readBody(request: Readable, limits: BodyLimits): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes <= limits.maxBytes) chunks.push(chunk)
    else chunks.length = 0
    if (bytes > maxStrangersBytes) await limits.admitted
    if (bytes > maxDroppedBytes) break
  }
  if (bytes > limits.maxBytes) {
    throw new RequestError(413, `request is too large (max is ${limits.maxBytes} bytes)`)
  }
  return Buffer.concat(chunks)
}
