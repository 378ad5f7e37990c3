import { connect, type Socket } from 'node:net'

import { errorCode } from '../../lib/errors.ts'
import { abortable, pause } from '../abortable.ts'
import type { AuthenticatedClient } from '../authenticated-session.ts'
import { processNumberOf } from '../cancel.ts'
import { ClientError, Disconnected, sqlstates } from '../errors.ts'
import type { CancelKey } from '../wire/messages.ts'
import { readBytes } from '../wire/reader.ts'
import type { Question } from './protocol.ts'
import { revive } from './rpc.ts'
import {
  accepted,
  frame,
  packClient,
  readFrame,
  type SiblingAnswer,
  type SiblingRequest,
} from './sibling-messages.ts'
import { siblingSocketPath } from './sibling-socket.ts'

/** What one process has answered. */
export interface SiblingReply {
  number: number
  value: unknown
}

/** How long a session waits for the process that is to serve it: one that died is replaced by then. */
const defaultHandOverTimeoutMs = 15_000
const firstRetryDelayMs = 10
const maxRetryDelayMs = 250
const cancelTimeoutMs = 5_000
/** Reports of ten thousand clients. */
const maxAnswerBytes = 64 * 1024 * 1024

/**
 * The processes of one gateway, as one of them knows them. Each keeps the pools of some endpoints: with
 * an endpoint's pools in one place its limits hold, and its server connections are shared by all.
 */
export class Siblings {
  readonly number: number
  readonly #directory: string
  readonly #handOverTimeoutMs: number
  /** Numbers of those that serve. One that has died stays until another takes its place. */
  #slots: readonly number[]

  constructor(options: { directory: string; number: number; handOverTimeoutMs?: number }) {
    this.number = options.number
    this.#handOverTimeoutMs = options.handOverTimeoutMs ?? defaultHandOverTimeoutMs
    this.#directory = options.directory
    this.#slots = [options.number]
  }

  get socketPath(): string {
    return siblingSocketPath(this.#directory, this.number)
  }

  /** Who serves from now on, by slot. */
  setSlots(slots: readonly number[]): void {
    this.#slots = slots
  }

  /** Whether the endpoint's pools are in this process. */
  isOwner(endpointId: string): boolean {
    return this.#ownerOf(endpointId) === this.number
  }

  /**
   * A connection to the process that has the client's pool, where its session has begun. Rejects with
   * ClientError where there is none in time, and with the signal's reason.
   */
  async handOver(
    client: Omit<AuthenticatedClient, 'stream'>,
    signal: AbortSignal,
  ): Promise<Socket> {
    const request: SiblingRequest = { kind: 'session', client: packClient(client) }
    const deadline = performance.now() + this.#handOverTimeoutMs
    for (let delayMs = firstRetryDelayMs; ; delayMs = Math.min(delayMs * 2, maxRetryDelayMs)) {
      try {
        // Asked again each time: another may have taken the place in between.
        return await this.#introduce(this.#ownerOf(client.login.endpointId), request, signal)
      } catch (error) {
        if (!isPassing(error) || signal.aborted) throw error
        if (performance.now() + delayMs > deadline) throw unreachable(error)
      }
      await pause(delayMs, signal)
    }
  }

  /** Passes a cancel request on to the process that has issued the key. Never rejects. */
  async cancel(key: CancelKey): Promise<void> {
    const number = processNumberOf(key)
    const signal = AbortSignal.timeout(cancelTimeoutMs)
    try {
      const socket = await this.#open(number, { kind: 'cancel', key }, signal)
      await readBytes(socket, 1, signal).finally(() => socket.destroy())
    } catch {
      // It ends the connection when it is done; a process that is gone has nothing to cancel.
    }
  }

  /** The other processes' answers; one that is gone has none. */
  async askOthers(question: Question, timeoutMs: number): Promise<SiblingReply[]> {
    const others = [...new Set(this.#slots)].filter((number) => number !== this.number)
    const replies = await Promise.all(
      others.map(async (number) => {
        try {
          return [{ number, value: await this.#ask(number, question, timeoutMs) }]
        } catch (error) {
          if (isPassing(error)) return []
          throw error
        }
      }),
    )
    return replies.flat()
  }

  #ownerOf(endpointId: string): number {
    return this.#slots[hash(endpointId) % this.#slots.length] ?? this.number
  }

  async #ask(number: number, question: Question, timeoutMs: number): Promise<unknown> {
    const signal = AbortSignal.timeout(timeoutMs)
    const socket = await this.#open(number, { kind: 'ask', question }, signal)
    try {
      const answer = (await readFrame(socket, maxAnswerBytes, signal)) as SiblingAnswer
      if ('error' in answer) throw revive(answer.error)
      return answer.value
    } finally {
      socket.destroy()
    }
  }

  async #introduce(number: number, request: SiblingRequest, signal: AbortSignal): Promise<Socket> {
    const socket = await this.#open(number, request, signal)
    try {
      await readBytes(socket, accepted.length, signal)
      return socket
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  async #open(number: number, request: SiblingRequest, signal: AbortSignal): Promise<Socket> {
    const path = siblingSocketPath(this.#directory, number)
    const socket = connect({ path, allowHalfOpen: true })
    try {
      const connected = new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        // Stays for the socket's life: an error is followed by a close, which is what readers see.
        socket.on('error', reject)
      })
      await abortable(connected, signal)
      socket.write(frame(request))
      return socket
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
}

const passingErrnos = new Set(['ECONNREFUSED', 'ENOENT', 'EAGAIN', 'ECONNRESET', 'EPIPE'])

/** Whether a process is being replaced: it has not taken what it was asked. */
function isPassing(error: unknown): boolean {
  return error instanceof Disconnected || passingErrnos.has(errorCode(error) ?? '')
}

function unreachable(cause: unknown): ClientError {
  return new ClientError(
    sqlstates.cannotConnectNow,
    'the pool of this endpoint is not available at the moment, try again',
    { cause },
  )
}

/** FNV-1a: every process and every start must come to the same. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0
  return value
}
