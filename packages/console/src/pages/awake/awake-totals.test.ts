import type { AwakeEvent, EndpointAwake } from '@coppice/api'
import { describe, expect, test } from 'vitest'

import { secondsIn, segmentsOf, simplify } from './awake-lanes.ts'
import { nameCause, totalsOf } from './awake-totals.ts'

const at = (second: number): string => new Date(second * 1000).toISOString()
const window = { fromMs: 0, toMs: 1_000_000 }

function compute(events: AwakeEvent[], more: Partial<EndpointAwake> = {}): EndpointAwake {
  return {
    endpoint_id: 'ep-a',
    branch_id: 'br-a',
    branch_name: 'main',
    current_state: 'idle',
    frozen: false,
    suspend_timeout_seconds: 300,
    last_active: at(0),
    awake: [],
    compute_unit_seconds: 0,
    cost: 0,
    currency: 'EUR',
    quiet_applications: [],
    sessions: [],
    // As the API answers them: newest first.
    events: events.toReversed(),
    ...more,
  }
}
const client = (application_name: string) => ({
  reason: 'client',
  role: 'app',
  database: 'neondb',
  application_name,
})
const woke = (second: number, application: string): AwakeEvent => ({
  at: at(second),
  event: 'woke',
  ...client(application),
})
const slept = (second: number, more: Partial<AwakeEvent> = {}): AwakeEvent => ({
  at: at(second),
  event: 'slept',
  reason: 'idle',
  ...more,
})
const stayed = (second: number, seconds: number, application: string): AwakeEvent => ({
  ...woke(second, application),
  event: 'stayed_awake',
  reason: 'running a query',
  duration_seconds: seconds,
})

describe('lanes', () => {
  test('are awake, frozen and asleep from one entry to the next, and as the last says until now', () => {
    const frozen: AwakeEvent = { at: at(300), event: 'frozen', reason: 'idle' }
    const told = compute([woke(100, 'shop'), frozen, slept(600), woke(900, 'shop')], {
      current_state: 'active',
    })
    const segments = segmentsOf(told, window)
    expect(segments.map(({ state, fromMs, toMs }) => [state, fromMs / 1000, toMs / 1000])).toEqual([
      ['awake', 100, 300],
      ['frozen', 300, 600],
      ['asleep', 600, 900],
      ['awake', 900, 1000],
    ])
    expect(secondsIn(segments, 'awake')).toBe(300)
  })

  test('begin before the first entry as far as that tells, and are cut to the window', () => {
    const told = compute([slept(500, { after: 'woke', duration_seconds: 900 })])
    expect(segmentsOf(told, window).map(({ state, fromMs }) => [state, fromMs])).toEqual([
      ['awake', 0],
      ['asleep', 500_000],
    ])
    expect(segmentsOf(told, { fromMs: 600_000, toMs: 700_000 })).toMatchObject([
      { state: 'asleep', fromMs: 600_000, toMs: 700_000 },
    ])
  })

  test('without a ledger are what the compute is now', () => {
    expect(segmentsOf(compute([]), window)).toMatchObject([{ ...window, state: 'asleep' }])
  })
})

test('slivers of a lane are drawn as one, without gaps, and what is long stays as it is', () => {
  const busy = Array.from({ length: 100 }, (_, nth) => [woke(nth * 4, 'a'), slept(nth * 4 + 1)])
  const segments = segmentsOf(compute(busy.flat()), window)
  const drawn = simplify(segments, 50_000)
  expect(drawn.length).toBeLessThan(12)
  expect(drawn[0]?.fromMs).toBe(segments[0]?.fromMs)
  expect(drawn.slice(1).every(({ fromMs }, before) => fromMs === drawn[before]?.toMs)).toBe(true)
  expect(drawn.every(({ state }) => state === 'asleep')).toBe(true)
  const calm = segmentsOf(compute([woke(0, 'a'), slept(300), woke(600, 'a')]), window)
  expect(simplify(calm, 50_000)).toEqual(calm.map((one) => ({ ...one, isMixed: false })))
})

describe('totals', () => {
  test('give each moment to what kept the compute awake, else to what woke it', () => {
    const told = compute([
      woke(0, 'shop'),
      stayed(100, 300, 'pgwatch'),
      stayed(200, 100, 'report'),
      slept(500, { after: 'woke', duration_seconds: 500, cost: 5 }),
    ])
    const totals = totalsOf([told], window)
    expect(totals.map(({ title, seconds, wakes }) => [title, seconds, wakes])).toEqual([
      ['pgwatch', 250, 0],
      ['shop', 200, 1],
      ['report', 50, 0],
    ])
    expect(totals.reduce((sum, { cost }) => sum + cost, 0)).toBeCloseTo(5)
    expect(totals[0]).toMatchObject({ cost: 2.5, reasons: ['running a query'] })
  })

  test('of all computes together are what they were awake, whatever overlaps', () => {
    const busy = compute([woke(100, 'a'), stayed(90, 2000, 'b'), stayed(150, 0, 'c'), slept(700)])
    const seconds = totalsOf([busy, compute([woke(0, 'a'), slept(10)])], window)
      .map((total) => total.seconds)
      .reduce((sum, one) => sum + one, 0)
    expect(seconds).toBeCloseTo(610)
  })

  test('count the time awake that goes on, without what a freeze has told already', () => {
    const frozen: AwakeEvent = { at: at(300), event: 'frozen', reason: 'idle', cost: 2 }
    const told = compute([woke(200, 'a'), frozen, woke(900, 'b')], {
      current_state: 'active',
      cost: 3,
    })
    expect(totalsOf([told], window)).toMatchObject([
      { title: 'a', seconds: 100, cost: 2 },
      { title: 'b', seconds: 100, cost: 1 },
    ])
  })

  test('cost no more than the part that is in the window', () => {
    const told = compute([
      woke(0, 'a'),
      slept(1000, { after: 'woke', duration_seconds: 1000, cost: 10 }),
    ])
    expect(totalsOf([told], { fromMs: 900_000, toMs: 2_000_000 })).toMatchObject([
      { seconds: 100, cost: 1, wakes: 0 },
    ])
  })
})

test('a cause is named by its application, else by its role, else by what the platform says', () => {
  const titles = [
    client('shop'),
    client(''),
    { reason: 'API', detail: 'startProjectEndpoint' },
    { reason: 'idle', detail: 'no activity for 300 s' },
    { reason: 'recovery' },
  ].map((cause) => nameCause(cause).title)
  expect(titles).toEqual(['shop', 'role app', 'API: startProjectEndpoint', 'idle', 'recovery'])
})
