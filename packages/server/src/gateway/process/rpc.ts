import { errors, type ErrorCode } from '@coppice/api/client'

import { AppError, describeError } from '../../lib/errors.ts'
import { ClientError } from '../errors.ts'
import type { Channel } from './channel.ts'

/** What one side can be asked or told, by name; one argument each, plain data both ways. */
export type Procedures = Record<string, (argument: never) => unknown>

type Argument<P> = P extends (argument: infer A) => unknown ? A : never
type Answer<P> = P extends (...given: never[]) => infer R ? Awaited<R> : never

/** An error as it crosses: enough to be the same kind of error on the other side. */
export interface PortableError {
  message: string
  /** Of an AppError. */
  code?: ErrorCode
  /** Of a ClientError. */
  sqlstate?: string
}

type Packet =
  | { kind: 'call'; id: number; name: string; argument: unknown }
  | { kind: 'notice'; name: string; argument: unknown }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'failure'; id: number; error: PortableError }

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

export interface RpcOptions<Ours> {
  /** What this side answers. A notice's outcome is nobody's. */
  ours: Ours
  /** What calls fail with once the other side is gone. */
  closedError: () => Error
}

/**
 * Calls over a channel, both ways. Answers may come in any order; every call has a deadline, and none
 * outlives the channel.
 */
export class Rpc<Theirs, Ours = unknown> {
  readonly #channel: Channel
  readonly #options: RpcOptions<Ours>
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #isClosed = false

  constructor(channel: Channel, options: RpcOptions<Ours>) {
    this.#channel = channel
    this.#options = options
    channel.onMessage((message) => this.#receive(message))
    channel.onClose(() => this.#close())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Rejects with AppError or ClientError where that is what the other side has thrown, with
   * `closedError` where it is gone, else with an Error whose message is for the log.
   */
  async call<Name extends keyof Theirs & string>(
    name: Name,
    argument: Argument<Theirs[Name]>,
    timeoutMs: number,
  ): Promise<Answer<Theirs[Name]>> {
    if (this.#isClosed) throw this.#options.closedError()
    const id = ++this.#lastId
    const value = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#take(id)?.reject(new Error(`no answer to ${name} within ${timeoutMs} ms`)),
        timeoutMs,
      )
      this.#pending.set(id, { resolve, reject, timer })
      try {
        this.#send({ kind: 'call', id, name, argument })
      } catch (error) {
        this.#take(id)
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    // What the other side's procedure of this name answers, by the types that both are built from.
    return value as Answer<Theirs[Name]>
  }

  /** Says it without waiting for anything. */
  tell<Name extends keyof Theirs & string>(name: Name, argument: Argument<Theirs[Name]>): void {
    if (!this.#isClosed) this.#send({ kind: 'notice', name, argument })
  }

  #send(packet: Packet): void {
    this.#channel.send(packet)
  }

  #receive(message: unknown): void {
    if (!isPacket(message) || this.#isClosed) return
    switch (message.kind) {
      case 'call':
        void this.#answer(message.id, message.name, message.argument)
        return
      case 'notice':
        void this.#run(message.name, message.argument).catch(() => undefined)
        return
      case 'answer':
        this.#take(message.id)?.resolve(message.value)
        return
      case 'failure':
        this.#take(message.id)?.reject(revive(message.error))
        return
    }
  }

  async #answer(id: number, name: string, argument: unknown): Promise<void> {
    try {
      const value = await this.#run(name, argument)
      if (!this.#isClosed) this.#send({ kind: 'answer', id, value })
    } catch (error) {
      if (!this.#isClosed) this.#send({ kind: 'failure', id, error: portable(error) })
    }
  }

  async #run(name: string, argument: unknown): Promise<unknown> {
    const { ours } = this.#options
    const found: unknown =
      typeof ours === 'object' && ours !== null && Object.hasOwn(ours, name)
        ? Reflect.get(ours, name)
        : undefined
    if (typeof found !== 'function') throw new Error(`there is no procedure ${name}`)
    return Reflect.apply(found, ours, [argument])
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    clearTimeout(pending?.timer)
    return pending
  }

  #close(): void {
    this.#isClosed = true
    for (const id of this.#pending.keys()) {
      this.#take(id)?.reject(this.#options.closedError())
    }
  }
}

function isPacket(message: unknown): message is Packet {
  return typeof message === 'object' && message !== null && 'kind' in message
}

export function portable(error: unknown): PortableError {
  if (error instanceof AppError) return { message: error.message, code: error.code }
  if (error instanceof ClientError) return { message: error.message, sqlstate: error.sqlstate }
  return { message: describeError(error) }
}

export function revive({ message, code, sqlstate }: PortableError): Error {
  if (code !== undefined && Object.hasOwn(errors, code)) return new AppError(code, message)
  if (sqlstate !== undefined) return new ClientError(sqlstate, message)
  return new Error(message)
}
