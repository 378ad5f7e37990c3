import type { OnReadOpts, Socket } from 'node:net'
import { Readable } from 'node:stream'

/** As much as Node reads at once. */
const bufferBytes = 64 * 1024

/**
 * What a socket receives into one buffer, which the next read overwrites. Until `passOn` it is copied
 * into a stream, for those who read message by message.
 */
export class Inbox {
  #stream: Readable | undefined = new Readable({ read: () => undefined })
  #receive: (bytes: Buffer) => void = (bytes) => this.#stream?.push(Buffer.from(bytes))

  /** For the making of the socket. */
  options(): OnReadOpts {
    const buffer = Buffer.allocUnsafeSlow(bufferBytes)
    return {
      buffer,
      callback: (count) => {
        this.#receive(buffer.subarray(0, count))
        return true
      },
    }
  }

  /** The stream of what the socket receives, which ends with it. */
  follow(socket: Socket): Readable {
    const stream = this.#stream ?? new Readable({ read: () => undefined })
    socket.once('end', () => stream.push(null))
    socket.once('close', () => stream.destroy())
    return stream
  }

  /** From now on bytes go to `receive`, which keeps none of them without copying. */
  passOn(receive: (bytes: Buffer) => void): void {
    const stream = this.#stream
    this.#stream = undefined
    this.#receive = receive
    const early: Buffer | null | undefined = stream?.read()
    if (early) receive(early)
  }
}
