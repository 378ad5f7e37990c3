import { Duplex } from 'node:stream'

import type { RawData, WebSocket } from 'ws'

/** Status codes of RFC 6455 section 7.4.1. */
const closeCodes = { normal: 1000, unsupportedData: 1003 }

/**
 * The bytes of a WebSocket's binary messages, whose boundaries mean nothing, as a stream that holds
 * back either side as a socket does. A text message is an error, and ends it.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    // A WebSocket closes as a whole.
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    // It is followed by 'close'.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      if (!this.destroyed) this.push(null)
    })
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // Called back once the bytes are with the kernel, or cannot be.
    this.#socket.send(chunk, { binary: true }, done)
  }

  override _final(done: () => void): void {
    this.#socket.close(closeCodes.normal)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate()
    done(error)
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!isBinary) {
      this.#socket.close(closeCodes.unsupportedData, 'send binary messages')
      return
    }
    if (!this.push(bytesOf(data))) this.#socket.pause()
  }
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
