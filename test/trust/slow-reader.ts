import type { Client } from 'pg'

import type { TestPlatform } from '../platform.ts'
import { connect, type Port } from './session.ts'

const megabyte = 1024 ** 2

/** A client that has asked for rows and reads none of them. */
export class SlowReader {
  readonly #client: Client
  readonly #answer: Promise<number>

  private constructor(client: Client, megabytes: number) {
    this.#client = client
    this.#answer = client
      .query<{ bytes: string }>(
        `SELECT repeat('x', ${megabyte}) AS bytes FROM generate_series(1, ${megabytes})`,
      )
      .then(({ rows }) => rows.reduce((sum, { bytes }) => sum + bytes.length, 0))
    this.#answer.catch(() => undefined)
    this.#stream.pause()
  }

  static async begin(
    platform: TestPlatform,
    { uri, port, megabytes }: { uri: string; port: Port; megabytes: number },
  ): Promise<SlowReader> {
    const client = await connect(platform, uri, port, { deadlineMs: 600_000 })
    return new SlowReader(client, megabytes)
  }

  get #stream(): NodeJS.ReadableStream {
    return (this.#client as unknown as { connection: { stream: NodeJS.ReadableStream } }).connection
      .stream
  }

  /** Reads all that it has asked for. Answers how much that was, in bytes. */
  async finish(): Promise<number> {
    this.#stream.resume()
    try {
      return await this.#answer
    } finally {
      await this.#client.end()
    }
  }
}
