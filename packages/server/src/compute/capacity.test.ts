import pino from 'pino'
import { expect, test } from 'vitest'

import { type Cause, currentCause, withCause } from '../lib/cause.ts'
import { type Candidate, defaultCapacity, HostCapacity } from './capacity.ts'
import { eventually } from './testing/cluster.ts'

const gigabyte = 1024 ** 3
const signal = new AbortController().signal

type Idle = number | 'busy' | 'silent'

function idleMs(idle: Idle): number {
  if (idle === 'busy') return 0
  return idle === 'silent' ? 1_000_000 : idle * 1000
}

/**
 * A host with computes that are idle for so many seconds, or busy, or do not answer, and those that were
 * stopped, in order.
 */
function createHost(idleSeconds: Record<string, Idle>, maxAwake: number) {
  const stopped: string[] = []
  const causes: (Cause | undefined)[] = []
  const host = { availableBytes: 4 * gigabyte, stopped, causes }
  const candidates = Object.entries(idleSeconds).map(([name, idle]): Candidate => ({
    get state() {
      return stopped.includes(name) ? 'idle' : 'active'
    },
    lastActiveAt: new Date(Date.now() - idleMs(idle)),
    suspend: async () => {
      if (idle === 'silent') return new Promise(() => undefined)
      if (idle === 'busy') return [{ reason: 'running a query' }]
      stopped.push(name)
      causes.push(currentCause())
      capacity.leave(name)
      return 'suspended'
    },
  }))
  const capacity = new HostCapacity({
    limits: { maxAwake, minAvailableBytes: gigabyte },
    candidates: () => candidates,
    availableBytes: () => host.availableBytes,
    log: pino({ level: 'silent' }),
    queueTimeoutMs: 300,
    evictTimeoutMs: 10,
  })
  for (const name of Object.keys(idleSeconds)) capacity.take(name)
  return { capacity, host }
}

test('a compute starts at once where there is room, and keeps its place', async () => {
  const { capacity, host } = createHost({ a: 100 }, 2)
  await capacity.admit('b', signal)
  await capacity.admit('b', signal)
  expect(capacity.awakeCount).toBe(2)
  expect(host.stopped).toEqual([])
})

test('where the host is full the one that was used longest ago makes room', async () => {
  const { capacity, host } = createHost({ a: 20, b: 300, c: 100 }, 3)
  await withCause({ reason: 'client' }, async () => capacity.admit('d', signal))
  expect(host.stopped).toEqual(['b'])
  expect(host.causes).toEqual([{ reason: 'host pressure' }])
  expect(capacity.awakeCount).toBe(3)
})

test('those that do not answer do not keep the others from making room', async () => {
  const { capacity, host } = createHost({ a: 'silent', b: 100 }, 2)
  await capacity.admit('c', signal)
  expect(host.stopped).toEqual(['b'])
  await expect(capacity.admit('d', signal)).rejects.toMatchObject({ code: 'host_full' })
})

test('where all are in use the client is refused, with what it can do', async () => {
  const { capacity, host } = createHost({ a: 'busy', b: 'busy' }, 2)
  await expect(capacity.admit('c', signal)).rejects.toMatchObject({
    code: 'host_full',
    message: expect.stringContaining('2 computes are awake'),
  })
  expect(host.stopped).toEqual([])
  expect(capacity.waitingIds).toHaveLength(0)
})

test('those who wait are let in as they came', async () => {
  const { capacity } = createHost({ a: 'busy', b: 'busy' }, 2)
  const admitted: string[] = []
  const waits = ['c', 'd'].map(async (name) => {
    await capacity.admit(name, signal)
    admitted.push(name)
  })
  expect(capacity.waitingIds).toHaveLength(2)
  capacity.leave('a')
  await eventually('the first is in', () => admitted.length === 1)
  expect(admitted).toEqual(['c'])
  capacity.leave('b')
  await Promise.all(waits)
  expect(admitted).toEqual(['c', 'd'])
})

test('one that gives up leaves the queue', async () => {
  const { capacity } = createHost({ a: 'busy' }, 1)
  const abort = new AbortController()
  const wait = capacity.admit('b', abort.signal)
  abort.abort(new Error('removed'))
  await expect(wait).rejects.toThrow(/abort/i)
  expect(capacity.waitingIds).toHaveLength(0)
})

test('a host that runs short of memory stops one after another, the least recently used first', async () => {
  const { capacity, host } = createHost({ a: 20, b: 300, c: 'busy' }, 100)
  await capacity.relieve()
  expect(host.stopped).toEqual([])
  host.availableBytes = gigabyte / 2
  await capacity.relieve()
  await capacity.relieve()
  await capacity.relieve()
  expect(host.stopped).toEqual(['b', 'a'])
  await expect(capacity.admit('d', signal)).rejects.toMatchObject({
    message: expect.stringContaining('short of memory'),
  })
})

test('a small machine still runs some', () => {
  expect(defaultCapacity(0.8 * gigabyte, gigabyte)).toEqual({
    maxAwake: 16,
    minAvailableBytes: gigabyte / 8,
  })
  expect(defaultCapacity(48 * gigabyte, 64 * gigabyte).maxAwake).toBe(768)
})
