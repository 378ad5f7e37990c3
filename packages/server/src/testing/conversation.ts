import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Messages that are sent at once, and the types of answers that end them, in their order. */
export interface Exchange {
  send: Buffer
  /** `Z` for one ReadyForQuery, `ZZ` for two, `1` for a ParseComplete that a Flush calls forth. */
  until: string
}

/** What a conversation was answered, in a form that compares and can be read. */
export interface Transcript {
  messages: string[]
  /** The last value of each parameter that was reported. */
  parameters: Map<string, string>
}

/** Where the bytes are cut in pieces: numbers from 0 to 1 of each exchange's length. */
export type Cuts = readonly number[]

const timeoutMs = 15_000
/** Longer bodies are compared by their digest. */
const maxShownBytes = 300

/**
 * Speaks the exchanges one after the other on a connection that has logged in. Pieces are sent in
 * turns of their own, so that they arrive apart.
 */
export async function converse(
  socket: Socket,
  exchanges: readonly Exchange[],
  cuts: Cuts = [],
): Promise<Transcript> {
  const answers = new Answers(socket)
  try {
    for (const { send, until } of exchanges) {
      for (const piece of cut(send, cuts)) {
        socket.write(piece)
        await nextTurn()
      }
      await answers.until(until)
    }
    return answers.transcript
  } finally {
    answers.stop()
  }
}

function cut(bytes: Buffer, cuts: Cuts): Buffer[] {
  const places = cuts.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b)
  const bounds = [0, ...places, bytes.length]
  return bounds
    .slice(1)
    .map((end, index) => bytes.subarray(bounds[index], end))
    .filter((piece) => piece.length > 0)
}

class Answers {
  readonly transcript: Transcript = { messages: [], parameters: new Map() }
  readonly #socket: Socket
  #types = ''
  #carry = Buffer.alloc(0)
  #onAnswer: (() => void) | undefined
  #hasEnded = false
  readonly #onData = (chunk: Buffer) => this.#take(chunk)
  readonly #onEnd = () => {
    this.#hasEnded = true
    this.#onAnswer?.()
  }

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd)
  }

  /** Resolves once these types have come, others between them or not. */
  async until(types: string): Promise<void> {
    const pattern = new RegExp(types.split('').join('[^]*'))
    const deadline = setTimeout(this.#onEnd, timeoutMs)
    try {
      while (!pattern.test(this.#types)) {
        if (this.#hasEnded) throw new Error(`no ${types} after ${this.#lastWords()}`)
        await new Promise<void>((resolve) => {
          this.#onAnswer = resolve
        })
      }
      this.#types = ''
    } finally {
      clearTimeout(deadline)
    }
  }

  stop(): void {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd)
  }

  #lastWords(): string {
    return this.transcript.messages.slice(-5).join(' | ')
  }

  #take(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#carry, chunk])
    let at = 0
    while (bytes.length - at >= 5) {
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (end > bytes.length) break
      this.#note(bytes.toString('latin1', at, at + 1), bytes.subarray(at + 5, end))
      at = end
    }
    this.#carry = bytes.subarray(at)
    this.#onAnswer?.()
  }

  #note(type: string, body: Buffer): void {
    if (type === 'S') {
      const [name = '', value = ''] = body.toString().split('\0')
      this.transcript.parameters.set(name, value)
      return
    }
    this.#types += type
    this.transcript.messages.push(`${type} ${shown(type, body)}`)
  }
}

/** A notification begins with the process that sent it, which is another each time. */
function shown(type: string, body: Buffer): string {
  const comparable = type === 'A' ? body.subarray(4) : body
  if (comparable.length <= maxShownBytes) return comparable.toString('latin1')
  const digest = createHash('sha256').update(comparable).digest('hex')
  return `${comparable.length} bytes, ${digest}`
}
