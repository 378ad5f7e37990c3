import fc from 'fast-check'
import { expect, test } from 'vitest'

import { AppError } from '../../lib/errors.ts'
import { createChannelPair } from '../../testing/channel-pair.ts'
import { ClientError } from '../errors.ts'
import { Rpc } from './rpc.ts'

interface Theirs {
  double(value: number): Promise<number>
  echo(value: unknown): unknown
  fail(how: string): Promise<never>
  note(value: number): void
  never(): Promise<void>
}

const timeoutMs = 60_000
const gone = (): Error => new Error('gone')

function fail(how: string): never {
  if (how === 'app') throw new AppError('endpoint_not_found', 'no such endpoint')
  if (how === 'client') throw new ClientError('57P03', 'not now')
  throw new Error('a bug', { cause: new Error('its cause') })
}

interface Pair {
  asker: Rpc<Theirs>
  notes: number[]
  cut: () => void
}

/** `later` decides when and in which order messages and answers come. */
function pair(later?: (deliver: () => void) => void, answersLater = later): Pair {
  const { ends, cut } = createChannelPair(later)
  const notes: number[] = []
  const ours: Theirs = {
    double: async (value) => {
      await new Promise<void>((resolve) => (answersLater ?? setImmediate)(resolve))
      return value * 2
    },
    echo: (value) => value,
    fail: async (how) => fail(how),
    note: (value) => void notes.push(value),
    never: async () => new Promise(() => undefined),
  }
  new Rpc<unknown, Theirs>(ends[1], { ours, closedError: gone })
  return { asker: new Rpc<Theirs>(ends[0], { ours: {}, closedError: gone }), notes, cut }
}

test('every call gets its own answer, in whatever order they come', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer(), { maxLength: 30 }),
      fc.infiniteStream(fc.nat({ max: 1000 })),
      async (values, order) => {
        const waiting: (() => void)[] = []
        // Answers are let out one by one, each time another of those that wait.
        const pump = (): void => {
          const at = order.next().value % Math.max(1, waiting.length)
          waiting.splice(at, 1)[0]?.()
        }
        const { asker } = pair(setImmediate, (act) => {
          waiting.push(act)
          setImmediate(pump)
        })
        const answers = await Promise.all(
          values.map(async (value) => asker.call('double', value, timeoutMs)),
        )
        expect(answers).toEqual(values.map((value) => value * 2))
      },
    ),
    { numRuns: 50 },
  )
})

test('calls that a loss cuts off are rejected, each once, and later ones at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.nat({ max: 40 }),
      async (calls, deliveries) => {
        const queue: (() => void)[] = []
        const { asker, cut } = pair((deliver) => queue.push(deliver))
        const outcomes = Promise.allSettled(
          Array.from({ length: calls }, async (_, value) => asker.call('double', value, timeoutMs)),
        )
        for (let done = 0; done < deliveries; done++) {
          queue.shift()?.()
          await new Promise(setImmediate)
        }
        cut()
        const seen: unknown[] = (await outcomes).map((outcome) =>
          outcome.status === 'fulfilled' ? outcome.value : outcome.reason,
        )
        const wanted = seen.map((one, value) => (one instanceof Error ? gone() : value * 2))
        expect(seen).toEqual(wanted)
        expect(asker.isClosed).toBe(true)
        await expect(asker.call('double', 1, timeoutMs)).rejects.toThrow('gone')
        asker.tell('note', 1)
      },
    ),
    { numRuns: 50 },
  )
})

test('errors that users may see cross as what they are; others tell only the log', async () => {
  const { asker } = pair()
  const outcome = async (how: string): Promise<unknown> =>
    asker.call('fail', how, timeoutMs).catch((error: unknown) => error)
  const app = await outcome('app')
  expect(app).toBeInstanceOf(AppError)
  expect(app).toMatchObject({ code: 'endpoint_not_found', message: 'no such endpoint' })
  const client = await outcome('client')
  expect(client).toBeInstanceOf(ClientError)
  expect(client).toMatchObject({ sqlstate: '57P03', message: 'not now' })
  const other = await outcome('other')
  expect(other).not.toBeInstanceOf(AppError)
  expect(other).toMatchObject({ message: 'a bug: its cause' })
})

test('maps, bytes and undefined cross', async () => {
  const { asker } = pair()
  const value = { map: new Map([['a', undefined]]), bytes: Buffer.from([0, 255]) }
  expect(await asker.call('echo', value, timeoutMs)).toEqual(value)
})

test('what cannot cross is an error of the call, and of no other', async () => {
  const { asker } = pair()
  await expect(asker.call('echo', () => 1, timeoutMs)).rejects.toThrow('could not be cloned')
  expect(await asker.call('double', 2, timeoutMs)).toBe(4)
})

test('a call without an answer ends at its deadline', async () => {
  const { asker } = pair()
  await expect(asker.call('never', undefined as never, 20)).rejects.toThrow(
    'no answer to never within 20 ms',
  )
})

test('only the procedures that are there are run', async () => {
  const { asker } = pair()
  const foreign = asker as unknown as Rpc<{ toString(argument: unknown): string }>
  await expect(foreign.call('toString', undefined, timeoutMs)).rejects.toThrow('no procedure')
})

test('notices arrive in order', async () => {
  const { asker, notes } = pair()
  for (const value of [1, 2, 3]) asker.tell('note', value)
  await asker.call('double', 1, timeoutMs)
  expect(notes).toEqual([1, 2, 3])
})
