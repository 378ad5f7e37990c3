import { headerBytes } from './messages.ts'

export interface FrameHandler {
  /** A message begins. Answers whether its body is wanted; only small ones should be. */
  onFrame(type: string, bodyBytes: number): boolean
  onBody(type: string, body: Buffer): void
}

/**
 * Follows the message boundaries of a byte stream that passes by, split anywhere. Looks at five
 * bytes per message and keeps nothing but the bodies that the handler wants.
 */
export class FrameScanner {
  readonly #handler: FrameHandler
  readonly #header = Buffer.alloc(headerBytes)
  #headerLength = 0
  #remainingBytes = 0
  #type = ''
  #wanted: Buffer[] | undefined
  #isBroken = false

  constructor(handler: FrameHandler) {
    this.#handler = handler
  }

  /** Whether everything seen so far is whole messages, so that another may be put after it. */
  get isAtBoundary(): boolean {
    return !this.#isBroken && this.#headerLength === 0 && this.#remainingBytes === 0
  }

  /** Type of the message seen last, whole or not; empty before the first. */
  get lastType(): string {
    return this.#type
  }

  scan(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && !this.#isBroken) {
      at = this.#remainingBytes > 0 ? this.#takeBody(chunk, at) : this.#takeHeader(chunk, at)
    }
  }

  #takeHeader(chunk: Buffer, at: number): number {
    if (this.#headerLength === 0 && chunk.length - at >= headerBytes) {
      this.#begin(chunk, at)
      return at + headerBytes
    }
    const taken = chunk.copy(this.#header, this.#headerLength, at)
    this.#headerLength += taken
    if (this.#headerLength === headerBytes) {
      this.#headerLength = 0
      this.#begin(this.#header, 0)
    }
    return at + taken
  }

  #begin(bytes: Buffer, at: number): void {
    const bodyBytes = bytes.readUInt32BE(at + 1) - 4
    // PostgreSQL ends a connection with such a length; until it does, there is nothing to follow.
    if (bodyBytes < 0) {
      this.#isBroken = true
      return
    }
    this.#type = typeNames[bytes[at] ?? 0] ?? ''
    this.#remainingBytes = bodyBytes
    this.#wanted = this.#handler.onFrame(this.#type, bodyBytes) ? [] : undefined
    if (bodyBytes === 0) this.#finish()
  }

  #takeBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remainingBytes)
    this.#wanted?.push(chunk.subarray(at, end))
    this.#remainingBytes -= end - at
    if (this.#remainingBytes === 0) this.#finish()
    return end
  }

  #finish(): void {
    const parts = this.#wanted
    if (parts === undefined) return
    this.#wanted = undefined
    const [only] = parts
    this.#handler.onBody(this.#type, only && parts.length === 1 ? only : Buffer.concat(parts))
  }
}

/** Made once, so that following a message allocates nothing. */
const typeNames = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
