import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeEach, expect, test } from 'vitest'

import type { UsageCounters } from './usage-hours.ts'
import { type Measurement, UsageLedger, type UsageSnapshot } from './usage-ledger.ts'
import type { WalCounter } from './wal-counter.ts'

const postmaster = { pid: 42, startTime: '1000' }
const size = { minComputeUnits: 0.25, maxComputeUnits: 2 }
const directories: string[] = []
let path: string
let nowMs: number
let monotonicMs: number
const clock = { now: () => nowMs, monotonic: () => monotonicMs }

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ledger-'))
  directories.push(directory)
  path = join(directory, 'usage.json')
  nowMs = Date.parse('2026-11-05T10:30:00Z')
  monotonicMs = 7
})

afterAll(async () => {
  await Promise.all(directories.map(async (one) => rm(one, { recursive: true })))
})

async function open(): Promise<UsageLedger> {
  const ledger = new UsageLedger(path, clock)
  await ledger.load()
  return ledger
}

function pass(seconds: number): void {
  nowMs += seconds * 1000
  monotonicMs += seconds * 1000
}

const wal = (bytes: number, resetAt = 'then', isOwn = false): WalCounter => ({
  bytes,
  resetAt,
  isOwn,
})
const reading = (cpuMs: number | undefined, counter?: WalCounter): Measurement => ({
  cpuMs,
  wal: counter,
})

function total({ hours }: UsageSnapshot): UsageCounters {
  const sum = { activeMs: 0, computeMs: 0, cpuMs: 0, writtenBytes: 0, sentBytes: 0 }
  for (const { counters } of hours) {
    for (const name of Object.keys(sum) as (keyof UsageCounters)[]) sum[name] += counters[name]
  }
  return sum
}

test('time is counted between readings and up to the end, and not while nothing runs', async () => {
  const ledger = await open()
  ledger.begin(postmaster, 0)
  pass(10)
  ledger.measure(reading(1_000, wal(500, 'then', true)), size)
  pass(10)
  ledger.measure(reading(1_500, wal(700)), size)
  pass(2)
  ledger.end(size)
  pass(3600)
  ledger.measure(reading(1_500), size)
  const taken = await ledger.take()
  expect(taken.hours.map(({ hour }) => hour)).toEqual(['2026-11-05T10:00:00.000Z'])
  expect(total(taken)).toEqual({
    activeMs: 22_000,
    computeMs: 5_500,
    cpuMs: 1_500,
    writtenBytes: 700,
    sentBytes: 0,
  })
})

test('between its bounds the size follows the processors that are used', async () => {
  const ledger = await open()
  ledger.begin(postmaster, 0)
  let cpuMs = 0
  const expected = [
    [10_000, 10_000],
    [80_000, 20_000],
    [0, 2_500],
  ] as const
  for (const [usedMs, computeMs] of expected) {
    const before = total(await ledger.take()).computeMs
    pass(10)
    cpuMs += usedMs
    ledger.measure(reading(cpuMs), size)
    expect(total(await ledger.take()).computeMs - before).toBe(computeMs)
  }
  pass(10)
  ledger.measure(reading(undefined), { minComputeUnits: 3, maxComputeUnits: 3 })
  expect(total(await ledger.take()).computeMs).toBe(32_500 + 30_000)
})

test('a daemon that finds the same process counts on from what the one before has written', async () => {
  const first = await open()
  first.begin(postmaster, 0)
  pass(10)
  first.measure(reading(1_000, wal(100, 'then', true)), size)
  await first.flush()
  // Never written: the daemon is killed.
  pass(3)
  first.measure(reading(1_100, wal(150)), size)
  pass(3600)
  monotonicMs = 0
  const second = await open()
  second.begin(postmaster, 999_999)
  pass(2)
  second.measure(reading(2_000, wal(400)), size)
  const taken = await second.take()
  expect(total(taken)).toMatchObject({ activeMs: 3_615_000, cpuMs: 2_000, writtenBytes: 400 })
  expect(taken.hours).toHaveLength(2)
  expect(taken.ledgerId).toBe((await first.take()).ledgerId)
})

test('what another process has used is not counted', async () => {
  const first = await open()
  first.begin(postmaster, 0)
  pass(10)
  first.measure(reading(1_000, wal(100, 'then', true)), size)
  await first.flush()
  pass(3600)
  const second = await open()
  second.begin({ pid: 42, startTime: '2000' }, 5_000)
  pass(5)
  second.measure(reading(5_500, wal(100)), size)
  expect(total(await second.take())).toMatchObject({
    activeMs: 15_000,
    cpuMs: 1_500,
    writtenBytes: 100,
  })
})

test('a machine that sleeps, or whose clock is set, uses nothing', async () => {
  const ledger = await open()
  ledger.begin(postmaster, 0)
  pass(10)
  nowMs += 8 * 3_600_000
  ledger.measure(reading(0), size)
  pass(10)
  nowMs -= 8 * 3_600_000
  ledger.measure(reading(0), size)
  expect(total(await ledger.take()).activeMs).toBe(20_000)
})

test("a clone's inherited WAL is not its own, and a counter that begins anew counts from zero", async () => {
  const ledger = await open()
  ledger.begin(postmaster, 0)
  const written = async (counter: WalCounter): Promise<number> => {
    pass(1)
    ledger.measure(reading(0, counter), size)
    return total(await ledger.take()).writtenBytes
  }
  expect(await written(wal(1_000_000, "the parent's"))).toBe(0)
  expect(await written(wal(1_000_010, "the parent's"))).toBe(10)
  expect(await written(wal(5, 'after a crash', true))).toBe(15)
  expect(await written(wal(9, 'after a crash', true))).toBe(19)
})

test('what is settled is not taken again, and what nobody has settled is', async () => {
  const ledger = await open()
  ledger.begin(postmaster, 0)
  pass(10)
  ledger.measure(reading(0), size)
  ledger.countSent(5)
  const first = await ledger.take()
  expect(total(await ledger.take())).toEqual(total(first))
  ledger.settle(first)
  expect((await ledger.take()).hours).toEqual([])
  ledger.countSent(2)
  expect(total(await ledger.take())).toMatchObject({ activeMs: 10_000, sentBytes: 7 })
})

test('an hour that is over and settled is forgotten, unless something can still be added', async () => {
  const ledger = await open()
  ledger.begin(postmaster, 0)
  pass(10)
  ledger.measure(reading(0), size)
  pass(5 * 3600)
  ledger.settle(await ledger.take())
  expect(Object.keys(await file())).toHaveLength(1)
  ledger.measure(reading(0), size)
  ledger.settle(await ledger.take())
  await ledger.flush()
  expect(Object.keys(await file())).toEqual([
    '2026-11-05T14:00:00.000Z',
    '2026-11-05T15:00:00.000Z',
  ])

  async function file(): Promise<object> {
    return (JSON.parse(await readFile(path, 'utf8')) as { hours: object }).hours
  }
})

test('a file of no use is replaced under another id, so that nothing is taken for less than it was', async () => {
  const first = await open()
  first.countSent(5)
  const { ledgerId } = await first.take()
  await writeFile(path, '{"ledgerId"')
  const second = await open()
  second.countSent(1)
  const taken = await second.take()
  expect(taken.ledgerId).not.toBe(ledgerId)
  expect(total(taken).sentBytes).toBe(1)
})
