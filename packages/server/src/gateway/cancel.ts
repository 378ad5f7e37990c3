import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'

import { type CancelKey, cancelRequest } from './wire/messages.ts'

/** A backend's own key and the socket of its postmaster. */
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
  readonly #processNumber: number
  readonly #cancels = new Map<string, Cancel>()

  /** The number, below 256, tells which of the gateway's processes has issued a key. */
  constructor(processNumber = 0) {
    this.#processNumber = processNumber
  }

  /** A new key, valid until `release`. */
  issue(cancel: Cancel): { key: CancelKey; release: () => void } {
    let key = randomKey(this.#processNumber)
    while (this.#cancels.has(nameOf(key))) key = randomKey(this.#processNumber)
    this.#cancels.set(nameOf(key), cancel)
    return { key, release: () => this.#cancels.delete(nameOf(key)) }
  }

  /** What a request with this key does; undefined where there is no such key. */
  find(key: CancelKey): Cancel | undefined {
    return this.#cancels.get(nameOf(key))
  }
}

/** Cancels what a client does at that moment, on whichever connection it does it. */
export type Cancel = () => Promise<void> | void

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

/** Which of the gateway's processes the key is from, if it is from any. */
export function processNumberOf(key: CancelKey): number {
  return (key.processId >>> processNumberShift) & 0xff
}

/** Below it are random bits; the sign stays 0, for clients that show a process id. */
const processNumberShift = 23

/** 55 random bits and the process's number. */
function randomKey(processNumber: number): CancelKey {
  const bytes = randomBytes(8)
  const random = bytes.readUInt32BE(0) >>> (32 - processNumberShift)
  return {
    processId: (processNumber << processNumberShift) | random,
    secretKey: bytes.readUInt32BE(4),
  }
}

function nameOf(key: CancelKey): string {
  return `${key.processId}:${key.secretKey}`
}
