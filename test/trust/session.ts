import { Client, DatabaseError } from 'pg'

import type { TestPlatform } from '../platform.ts'

/** What a client waits at most: after it, it takes the connection for dead. */
const usualDeadlineMs = 20_000

export type Port = 'direct' | 'pooled'

export async function connect(
  { directPort, pooledPort }: TestPlatform,
  uri: string,
  port: Port,
  { deadlineMs = usualDeadlineMs } = {},
): Promise<Client> {
  const at = new URL(uri)
  at.port = String(port === 'pooled' ? pooledPort : directPort)
  for (const name of ['sslmode', 'channel_binding']) at.searchParams.delete(name)
  const client = new Client({
    connectionString: at.toString(),
    ssl: { rejectUnauthorized: false },
    connectionTimeoutMillis: deadlineMs,
    query_timeout: deadlineMs,
  })
  // Whoever waits for an answer is told; one that is dead between two questions notices with the next.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Runs some statements on a connection for them alone. */
export async function withClient<T>(
  platform: TestPlatform,
  uri: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect(platform, uri, 'direct')
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** How a transaction has ended for its client. */
export type Outcome = 'committed' | 'aborted' | 'unknown'

/**
 * Runs a transaction. `unknown` is what a client cannot know: it has sent COMMIT, and was not told. The
 * connection can be used again unless `client` is undefined afterwards.
 */
export async function transact(
  client: Client,
  isolation: string,
  work: () => Promise<void>,
): Promise<{ outcome: Outcome; isUsable: boolean }> {
  try {
    await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
    await work()
  } catch (error) {
    return { outcome: 'aborted', isUsable: isRefusal(error) && (await rollback(client)) }
  }
  try {
    const { command } = await client.query('COMMIT')
    return { outcome: command === 'COMMIT' ? 'committed' : 'aborted', isUsable: true }
  } catch (error) {
    // A conflict that is found out at the end is a plain refusal.
    const isKnown = isRefusal(error) && error.code === '40001'
    return isKnown
      ? { outcome: 'aborted', isUsable: true }
      : { outcome: 'unknown', isUsable: false }
  }
}

async function rollback(client: Client): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  )
}

/** The server says no, and the connection goes on. */
const isRefusal = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && error.severity === 'ERROR'

/** A client of a workload: one transaction after another, on a new connection where one has died. */
export class Worker {
  readonly #done: Promise<void>
  #isStopped = false
  #resumed: Promise<void> = Promise.resolve()

  constructor(options: {
    connect: () => Promise<Client>
    /** Answers whether the connection can be used again. */
    transact: (client: Client) => Promise<boolean>
    pauseMs?: number
  }) {
    this.#done = this.#run(options)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#done
  }

  /** Stays connected and does nothing. Answers how to go on. */
  pause(): () => void {
    let resume = (): void => undefined
    this.#resumed = new Promise((resolve) => (resume = resolve))
    return resume
  }

  async #run(options: ConstructorParameters<typeof Worker>[0]): Promise<void> {
    let client: Client | undefined
    while (!this.#isStopped) {
      await this.#resumed
      client ??= await options.connect().catch(() => undefined)
      // It may have been paused while it connected.
      await this.#resumed
      const isUsable = client !== undefined && (await options.transact(client))
      if (isUsable) await pause(options.pauseMs ?? 0)
      else {
        // Cut off, or refused while its branch is held: it tries again as a client would.
        await client?.end().catch(() => undefined)
        client = undefined
        await pause(retryMs)
      }
    }
    await client?.end().catch(() => undefined)
  }
}

const retryMs = 50

const pause = async (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
