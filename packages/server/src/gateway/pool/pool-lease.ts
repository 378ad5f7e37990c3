/**
 * A server connection for a client that is no socket: one exchange or a few, then it goes back clean. Clients
 * of one role may be different people there, told apart by tokens, and none has a session to keep: so what
 * they leave is not looked for, but swept away.
 */
import { tagChangesDefinitions, tagChangesFunctions } from './command-tags.ts'
import {
  type Lease,
  type PoolClientDetails,
  type TransactionStatus,
  wakingClient,
} from './lease.ts'
import type { Pool, Waiter } from './pool.ts'
import { forClient } from './pooled-session.ts'
import type { ServerConnection } from './server-connection.ts'
import { type Variables, variablesOf } from './variables.ts'

/** Resolves with a connection whose session has the client's variables. */
export async function leaseFrom(
  pool: Pool,
  client: PoolClientDetails,
  signal: AbortSignal,
): Promise<Lease> {
  signal.throwIfAborted()
  const variables = variablesOf(client.variables)
  const server = await waitFor(pool, client, variables, signal)
  try {
    const wanted = { variables, isRequest: true }
    if (!pool.isAlike(server, wanted)) await pool.makeAlike(server, wanted)
  } catch (error) {
    pool.recycle(server)
    throw forClient(error)
  }
  return new PoolLease(pool, server, pool.isQuiet(wakingClient(client)))
}

async function waitFor(
  pool: Pool,
  client: PoolClientDetails,
  variables: Variables,
  signal: AbortSignal,
): Promise<ServerConnection> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      pool.leave(waiter)
      reject(signal.reason)
    }
    const waiter: Waiter = {
      keys: client.keys,
      signature: variables.signature,
      waking: wakingClient(client),
      waitingSince: 0,
      take: (server) => {
        signal.removeEventListener('abort', onAbort)
        resolve(server)
      },
      fail: (error) => {
        signal.removeEventListener('abort', onAbort)
        reject(forClient(error))
      },
    }
    signal.addEventListener('abort', onAbort, { once: true })
    pool.acquire(waiter)
  })
}

class PoolLease implements Lease {
  readonly #pool: Pool
  readonly #server: ServerConnection
  readonly #isQuiet: boolean
  readonly #startedAt = performance.now()
  #isRunning = false
  #isReleased = false

  constructor(pool: Pool, server: ServerConnection, isQuiet: boolean) {
    this.#pool = pool
    this.#server = server
    this.#isQuiet = isQuiet
  }

  async exchange(
    messages: Buffer,
    onMessage: (type: string, body: Buffer) => void,
  ): Promise<TransactionStatus> {
    this.#isRunning = true
    // Its unnamed statement is the request's own, as that of the next will be.
    this.#server.unnamed = this
    this.#pool.totals.queries++
    this.#pool.totals.bytesReceived += messages.length
    const status = await this.#server.exchange(messages, (type, body) => {
      this.#pool.totals.bytesSent += body.length
      if (type === 'C') this.#complete(body)
      onMessage(type, body)
    })
    this.#isRunning = false
    if (!this.#isQuiet) this.#server.activity.touch()
    return status
  }

  cancel(): void {
    if (this.#isRunning) this.#server.cancel()
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    const { totals } = this.#pool
    totals.transactions++
    totals.transactionTimeUs += Math.round((performance.now() - this.#startedAt) * 1000)
    if (this.#isRunning) {
      this.#server.cancel()
      this.#pool.discard(this.#server)
    } else if (this.#server.status !== 'I') this.#pool.recycle(this.#server)
    else this.#pool.reset(this.#server)
  }

  /** Other clients' statements, and what is known of functions, may be out of date now. */
  #complete(tag: Buffer): void {
    if (tagChangesDefinitions(tag, 0, tag.length)) this.#pool.statements.forget()
    if (tagChangesFunctions(tag, 0, tag.length)) this.#pool.forgetEffects()
  }
}
