import { rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { AuthenticatedClient } from '../authenticated-session.ts'
import type { CancelKey } from '../wire/messages.ts'
import type { Question } from './protocol.ts'
import { portable } from './rpc.ts'
import {
  accepted,
  frame,
  readFrame,
  type SiblingAnswer,
  type SiblingRequest,
  unpackClient,
} from './sibling-messages.ts'

/** What a process does for its siblings. */
export interface SiblingServices {
  /** Whether this process begins sessions still. */
  isAccepting(): boolean
  /** Serves a client that has logged in there. */
  takeIn(client: AuthenticatedClient): void
  cancel(key: CancelKey): Promise<void>
  answer(question: Question): Promise<unknown>
}

export interface SiblingSocket {
  /** Stops listening; what has come in stays. */
  close(): Promise<void>
}

export function siblingSocketPath(directory: string, number: number): string {
  return join(directory, `${number}.sock`)
}

/** Start-up parameters have at most 10 kB; in JSON each byte may take six. */
const maxRequestBytes = 128 * 1024
/** A sibling sends its request at once. */
const requestTimeoutMs = 5_000
const backlog = 1024

/** Listens for the other processes. A socket that a dead process of this number has left is replaced. */
export async function listenToSiblings(
  path: string,
  services: SiblingServices,
  log: Logger,
): Promise<SiblingSocket> {
  await rm(path, { force: true })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    serve(socket, services).catch((error: unknown) => {
      log.warn({ error: describeError(error) }, 'a request of another gateway process has failed')
      socket.destroy()
    })
  })
  await listen(server, path)
  return {
    close: async () => {
      server.close()
      await rm(path, { force: true })
    },
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, backlog }, () => {
      server.off('error', reject)
      server.on('error', () => undefined)
      resolve()
    })
  })
}

async function serve(socket: Socket, services: SiblingServices): Promise<void> {
  const signal = AbortSignal.timeout(requestTimeoutMs)
  // Whoever can open the socket is the platform itself.
  const request = (await readFrame(socket, maxRequestBytes, signal)) as SiblingRequest
  switch (request.kind) {
    case 'session':
      // Who reads the end of the connection instead asks again, and another process by then.
      if (!services.isAccepting()) {
        socket.destroy()
        return
      }
      socket.write(accepted)
      services.takeIn(unpackClient(request.client, socket))
      return
    case 'cancel':
      await services.cancel(request.key)
      socket.end()
      return
    case 'ask':
      socket.end(frame(await answer(services, request.question)))
      return
  }
}

async function answer(services: SiblingServices, question: Question): Promise<SiblingAnswer> {
  try {
    return { value: await services.answer(question) }
  } catch (error) {
    return { error: portable(error) }
  }
}
