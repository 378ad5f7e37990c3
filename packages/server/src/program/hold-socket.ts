import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'

import type { ErrorCode } from '@coppice/api/client'

import { AppError, describeError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { openConversation } from './ask-platform.ts'

/**
 * A conversation with the running platform about what it is to hold still: requests and answers are lines
 * of JSON, over the platform's private socket. What is held goes when the connection ends, whoever ends it
 * and however.
 */
interface HoldRequest {
  id: number
  call: string
  input: Record<string, unknown>
}

interface HoldAnswer {
  /** Of the request. */
  id: number
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
  const working = new Set<Promise<void>>()
  const work = async (request: HoldRequest): Promise<void> => {
    const answer = await answerTo(calls, request)
    if (!connection.destroyed) connection.write(`${JSON.stringify(answer)}\n`)
  }
  try {
    for await (const line of createInterface({ input: connection })) {
      const one: Promise<void> = work(JSON.parse(line) as HoldRequest).finally(() =>
        working.delete(one),
      )
      working.add(one)
    }
  } finally {
    connection.destroy()
    await Promise.allSettled(working)
    await end()
  }
}

async function answerTo(
  calls: HoldCalls['calls'],
  { id, call: name, input }: HoldRequest,
): Promise<HoldAnswer> {
  try {
    const call = calls[name]
    if (call === undefined) throw new Error(`there is no ${name} here`)
    return { id, value: await call(input) }
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'internal'
    return { id, error: { code, message: describeError(error) } }
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
  const waiting = new Map<number, (answer: HoldAnswer) => void>()
  const fail = (id: number): HoldAnswer => ({
    id,
    error: { code: 'internal', message: 'the platform has ended' },
  })
  const end = (): void => {
    for (const [id, settle] of waiting) settle(fail(id))
    waiting.clear()
  }
  connection.on('error', () => undefined)
  connection.on('close', end)
  createInterface({ input: connection }).on('line', (line) => {
    const answer = JSON.parse(line) as HoldAnswer
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  let asked = 0
  return {
    ask: async <T>(call: string, input: Record<string, unknown> = {}) => {
      const id = asked++
      const answered = new Promise<HoldAnswer>((resolve) => waiting.set(id, resolve))
      if (connection.destroyed) end()
      else connection.write(`${JSON.stringify({ id, call, input })}\n`)
      const { value, error } = await answered
      if (error !== undefined) throw new AppError(error.code, error.message)
      return value as T
    },
    end: () => connection.destroy(),
  }
}
