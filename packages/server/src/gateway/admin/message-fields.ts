import { protocolViolation } from '../errors.ts'

/** Reads the fields of a message one after the other. Throws a protocol violation where it ends too soon. */
export class MessageFields {
  readonly #body: Buffer
  #at = 0

  constructor(body: Buffer) {
    this.#body = body
  }

  text(): string {
    const end = this.#body.indexOf(0, this.#at)
    if (end === -1) throw protocolViolation('invalid message format')
    const text = this.#body.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }

  /** Of a statement or of a portal, in Describe and Close. */
  kind(): 'S' | 'P' {
    const kind = this.#take(1).toString('latin1')
    if (kind === 'S' || kind === 'P') return kind
    throw protocolViolation('invalid message format')
  }

  int16(): number {
    return this.#take(2).readInt16BE(0)
  }

  int32(): number {
    return this.#take(4).readInt32BE(0)
  }

  int16List(): number[] {
    return Array.from({ length: Math.max(0, this.int16()) }, () => this.int16())
  }

  #take(bytes: number): Buffer {
    const taken = this.#body.subarray(this.#at, this.#at + bytes)
    if (taken.length < bytes) throw protocolViolation('invalid message format')
    this.#at += bytes
    return taken
  }
}
