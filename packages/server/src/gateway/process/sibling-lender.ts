/** Server connections for clients that are no sockets, from whichever process has their pools. */
import type { Socket } from 'node:net'

import type { AuthenticatedClient } from '../authenticated-session.ts'
import { ComputeRefusal, Disconnected, sqlstates } from '../errors.ts'
import type { Lease, Lender, PoolClientDetails, TransactionStatus } from '../pool/lease.ts'
import { parseErrorFields } from '../wire/error-response.ts'
import { FrameScanner } from '../wire/frame-scanner.ts'
import { type CancelKey, message, terminate } from '../wire/messages.ts'
import { readMessage } from '../wire/reader.ts'
import type { Siblings } from './siblings.ts'

/** Notices of login triggers included. */
const maxGreetingMessageBytes = 1024 * 1024

/** Lends of this process's pools where they are the endpoint's, and by a session of a sibling else. */
export function lendFromOwner(local: Lender, siblings: Siblings): Lender {
  return {
    lease: async (client, signal) =>
      siblings.isOwner(client.endpointId)
        ? local.lease(client, signal)
        : leaseFromSibling(client, siblings, signal),
  }
}

async function leaseFromSibling(
  client: PoolClientDetails,
  siblings: Siblings,
  signal: AbortSignal,
): Promise<Lease> {
  const socket = await siblings.handOver(asSession(client), signal)
  try {
    return new SiblingLease(socket, await readGreeting(socket, signal), siblings)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function asSession(client: PoolClientDetails): Omit<AuthenticatedClient, 'stream'> {
  const { endpointId, role, database, keys, variables, clientAddress, quiet } = client
  return {
    startup: {
      user: role,
      database,
      applicationName: variables.get('application_name') ?? '',
      options: undefined,
      replication: false,
      quiet,
      forwarded: new Map([['user', role], ['database', database], ...variables]),
      unrecognised: undefined,
    },
    login: { endpointId, pooled: true, keys },
    clientAddress,
    clientPort: 0,
    pooled: true,
    via: 'http',
  }
}

/** Until ReadyForQuery; answers the key. The client of a lease wants to know no parameters. */
async function readGreeting(socket: Socket, signal: AbortSignal): Promise<CancelKey | undefined> {
  let key: CancelKey | undefined
  for (;;) {
    const { type, body } = await readMessage(socket, maxGreetingMessageBytes, signal)
    if (type === 'Z') return key
    if (type === 'K') key = { processId: body.readUInt32BE(0), secretKey: body.readUInt32BE(4) }
    if (type === 'E') {
      const sqlstate = parseErrorFields(body).get('C') ?? sqlstates.internal
      throw new ComputeRefusal(sqlstate, message('E', body))
    }
  }
}

class SiblingLease implements Lease {
  readonly #socket: Socket
  readonly #key: CancelKey | undefined
  readonly #siblings: Siblings
  #status: TransactionStatus = 'I'
  #isRunning = false

  constructor(socket: Socket, key: CancelKey | undefined, siblings: Siblings) {
    this.#socket = socket
    this.#key = key
    this.#siblings = siblings
    // Whoever waits for an answer hears of its close.
    socket.once('end', () => socket.destroy())
  }

  async exchange(
    messages: Buffer,
    onMessage: (type: string, body: Buffer) => void,
  ): Promise<TransactionStatus> {
    this.#isRunning = true
    this.#status = await this.#converse(messages, onMessage)
    this.#isRunning = false
    return this.#status
  }

  cancel(): void {
    if (this.#isRunning && this.#key) void this.#siblings.cancel(this.#key)
  }

  /** The owner rolls back for a client that is gone. */
  release(): void {
    if (this.#isRunning || this.#status !== 'I') this.#socket.destroy()
    else {
      this.#socket.end(terminate())
      this.#socket.resume()
    }
  }

  async #converse(
    messages: Buffer,
    onMessage: (type: string, body: Buffer) => void,
  ): Promise<TransactionStatus> {
    const socket = this.#socket
    if (socket.destroyed) throw new Disconnected('the compute')
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        socket.off('data', onData).off('close', onClose)
        act()
      }
      const onClose = (): void => settle(() => reject(new Disconnected('the compute')))
      const scanner = new FrameScanner({
        onFrame: () => true,
        onBody: (type, body) => {
          // The protocol has these three.
          const status = (): TransactionStatus => body.toString('latin1', 0, 1) as TransactionStatus
          if (type === 'Z') settle(() => resolve(status()))
          else onMessage(type, body)
        },
      })
      const onData = (chunk: Buffer): void => scanner.scan(chunk)
      socket.on('data', onData).on('close', onClose).resume()
      socket.write(messages)
    })
  }
}
