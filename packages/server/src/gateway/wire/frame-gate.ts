import { headerBytes } from './messages.ts'

export interface GateHandler {
  /** A message begins. Answers whether it is wanted whole before it goes on; only small ones should be. */
  onFrame(type: string, bodyBytes: number): boolean
  /** A wanted message. Answers what goes on in its place; undefined for itself. */
  onMessage(type: string, body: Buffer): Buffer | undefined
}

/**
 * Follows the message boundaries of a byte stream that passes through, split anywhere. Looks at five
 * bytes per message, and holds back only those that the handler wants and that have not all come yet.
 */
export class FrameGate {
  readonly #handler: GateHandler
  /** Bytes of a message that goes on as they come. */
  #passingBytes = 0
  /** The beginning of a message: less than its header, or of one that is wanted. */
  #held: Buffer[] = []
  #heldBytes = 0
  #neededBytes = 0
  #type = ''
  #isBroken = false

  constructor(handler: GateHandler) {
    this.#handler = handler
  }

  /** Whether everything seen so far is whole messages, so that another may be put after it. */
  get isAtBoundary(): boolean {
    return !this.#isBroken && this.#passingBytes === 0 && this.#held.length === 0
  }

  /** Type of the message seen last, whole or not; empty before the first. */
  get lastType(): string {
    return this.#type
  }

  /** What goes on now: the chunk itself, unless something in it is held back or replaced. */
  pass(chunk: Buffer): Buffer {
    if (this.#isBroken) return chunk
    if (this.#held.length === 0) return this.#follow(chunk, false)
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes < this.#neededBytes) return nothing
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    return this.#follow(bytes, this.#neededBytes > headerBytes)
  }

  /** `isKnown`: the bytes begin with a message whose beginning the handler has been told of. */
  #follow(bytes: Buffer, isKnown: boolean): Buffer {
    const { length } = bytes
    const parts: Buffer[] = []
    let from = 0
    let at = Math.min(this.#passingBytes, length)
    this.#passingBytes -= at
    let isWanted = isKnown
    while (at < length) {
      if (length - at < headerBytes) return this.#hold(bytes, at, headerBytes, parts, from)
      const bodyBytes = bytes.readUInt32BE(at + 1) - 4
      // PostgreSQL ends a connection with such a length; until it does, there is nothing to follow.
      if (bodyBytes < 0) {
        this.#isBroken = true
        break
      }
      const end = at + headerBytes + bodyBytes
      isWanted ||= this.#begin(bytes[at] ?? 0, bodyBytes)
      if (isWanted) {
        if (end > length) return this.#hold(bytes, at, end - at, parts, from)
        const instead = this.#handler.onMessage(this.#type, bytes.subarray(at + headerBytes, end))
        if (instead !== undefined) {
          parts.push(bytes.subarray(from, at), instead)
          from = end
        }
        isWanted = false
      }
      this.#passingBytes = Math.max(0, end - length)
      at = Math.min(end, length)
    }
    return join(parts, from === 0 ? bytes : bytes.subarray(from))
  }

  #begin(code: number, bodyBytes: number): boolean {
    this.#type = typeNames[code] ?? ''
    return this.#handler.onFrame(this.#type, bodyBytes)
  }

  #hold(bytes: Buffer, at: number, needed: number, parts: Buffer[], from: number): Buffer {
    this.#held = [bytes.subarray(at)]
    this.#heldBytes = bytes.length - at
    this.#neededBytes = needed
    return join(parts, bytes.subarray(from, at))
  }
}

const nothing = Buffer.alloc(0)

function join(parts: Buffer[], last: Buffer): Buffer {
  return parts.length === 0 ? last : Buffer.concat([...parts, last])
}

/** Made once, so that following a message allocates nothing. */
const typeNames = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
