import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'

import type { ErrorCode } from '@coppice/api/client'

import { AppError, describeError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { openConversation } from './local-socket.ts'

/**
 * A conversation with the running platform about what it is to hold still: one request after another, each
 * a line of JSON, over the platform's private socket. What is held goes when the connection ends, whoever
 * ends it and however.
 */
export interface HoldRequest {
  call: string
  input: Record<string, unknown>
}

interface HoldAnswer {
  value?: unknown
  error?: { code: ErrorCode; message: string }
}

/** What can be asked for, by name, and what happens at the end. */
export interface HoldCalls {
  calls: Readonly<Record<string, (input: Record<string, unknown>) => Promise<unknown>>>
  end: () => Promise<void>
}

/** The platform's side. Resolves when the connection has ended and nothing is held any more. */
export async function attendHold(connection: Duplex, { calls, end }: HoldCalls): Promise<void> {
  connection.on('error', () => undefined)
  try {
    for await (const line of createInterface({ input: connection })) {
      const answer = await answerTo(calls, JSON.parse(line) as HoldRequest)
      if (connection.destroyed) break
      connection.write(`${JSON.stringify(answer)}\n`)
    }
  } finally {
    connection.destroy()
    await end()
  }
}

async function answerTo(calls: HoldCalls['calls'], request: HoldRequest): Promise<HoldAnswer> {
  try {
    const call = calls[request.call]
    if (call === undefined) throw new Error(`there is no ${request.call} here`)
    return { value: await call(request.input) }
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'internal'
    return { error: { code, message: describeError(error) } }
  }
}

/** The other side. */
export interface Hold {
  /** The two programs are one version: the answer is what the call of that name gives. */
  ask<T>(call: string, input?: Record<string, unknown>): Promise<T>
  end(): void
}

/** Rejects with AppError where no platform runs. */
export async function openHold(home: Home): Promise<Hold> {
  const connection = await openConversation(home)
  const answers = createInterface({ input: connection })[Symbol.asyncIterator]()
  connection.on('error', () => undefined)
  let last: Promise<unknown> = Promise.resolve()
  const ask = async (call: string, input: Record<string, unknown>): Promise<unknown> => {
    if (!connection.write(`${JSON.stringify({ call, input })}\n`)) await once(connection, 'drain')
    const { value: line, done } = await answers.next()
    if (done === true) throw new Error('the platform has ended')
    const { value, error } = JSON.parse(line) as HoldAnswer
    if (error !== undefined) throw new AppError(error.code, error.message)
    return value
  }
  return {
    ask: async <T>(call: string, input: Record<string, unknown> = {}) => {
      // Answers come in the order of the questions.
      const asked = last.catch(() => undefined).then(async () => ask(call, input))
      last = asked
      return (await asked) as T
    },
    end: () => connection.destroy(),
  }
}
