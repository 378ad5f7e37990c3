import type { AwakeEvent } from '@coppice/api'
import { expect, test } from 'vitest'

import { allocatedStretches, unitsAt } from './allocated.ts'

const startMs = Date.parse('2026-05-01T12:00:00Z')
const at = (seconds: number): string => new Date(startMs + seconds * 1000).toISOString()

/** Newest first, as the ledger has them. */
const events: AwakeEvent[] = [
  { at: at(500), event: 'woke', reason: 'client' },
  { at: at(300), event: 'stayed_awake', reason: 'in use', duration_seconds: 60 },
  {
    at: at(200),
    event: 'slept',
    reason: 'idle',
    after: 'woke',
    duration_seconds: 100,
    compute_unit_seconds: 25,
  },
  { at: at(100), event: 'woke', reason: 'client' },
]

test('each time awake has its average size, and the present the one in force', () => {
  const stretches = allocatedStretches(events, { atMs: startMs + 600_000, units: 2 })
  expect(stretches.map((one) => [(one.fromMs - startMs) / 1000, one.units])).toEqual([
    [100, 0.25],
    [500, 2],
  ])
  const times = [50, 150, 300, 550].map((seconds) => startMs + seconds * 1000)
  expect(unitsAt(stretches, times, 0)).toEqual([undefined, 0.25, undefined, 2])
  expect(unitsAt(stretches, [startMs + 95_000], 10_000)).toEqual([0.25])
})

test('while it sleeps there is no size in force', () => {
  expect(allocatedStretches(events.slice(1), undefined)).toHaveLength(1)
})
