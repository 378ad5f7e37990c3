import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'

import { type CancelKey, cancelRequest } from './wire/messages.ts'

/** Whom a key of ours stands for: a backend's own key and the socket of its postmaster. */
export interface CancelTarget {
  socketPath: string
  key: CancelKey
}

/** A postmaster answers a cancel request by closing; it is busy or gone when it takes longer. */
const cancelTimeoutMs = 5_000

/**
 * The keys that clients cancel their queries by. They are ours, not the backend's: a CancelRequest
 * names no endpoint, and process ids repeat from one compute to the next.
 */
export class CancelKeys {
  readonly #targets = new Map<string, CancelTarget>()

  /** A new key, valid until `release`. */
  issue(target: CancelTarget): { key: CancelKey; release: () => void } {
    let key = randomKey()
    while (this.#targets.has(nameOf(key))) key = randomKey()
    this.#targets.set(nameOf(key), target)
    return { key, release: () => this.#targets.delete(nameOf(key)) }
  }

  find(key: CancelKey): CancelTarget | undefined {
    return this.#targets.get(nameOf(key))
  }
}

/** Sends the request to the backend's postmaster. Resolves once it is taken, or cannot be. */
export async function sendCancelRequest(target: CancelTarget): Promise<void> {
  const socket = connect(target.socketPath)
  socket.setTimeout(cancelTimeoutMs, () => socket.destroy())
  // A compute that is gone has nothing to cancel; the protocol has no answer for the client.
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  socket.write(cancelRequest(target.key))
  socket.resume()
  await closed
}

/** 63 random bits: a process id is a positive number for clients that show it. */
function randomKey(): CancelKey {
  const bytes = randomBytes(8)
  return { processId: bytes.readUInt32BE(0) >>> 1, secretKey: bytes.readUInt32BE(4) }
}

function nameOf(key: CancelKey): string {
  return `${key.processId}:${key.secretKey}`
}
