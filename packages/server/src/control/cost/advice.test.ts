import { expect, test } from 'vitest'

import { adviseOn, type AdviceInput, type BranchFacts } from './advice.ts'
import { presets } from './prices.ts'

const now = new Date('2026-11-25T00:00:00Z')
const from = new Date('2026-11-01T00:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)
const monthMs = now.getTime() - from.getTime()
const endpoint = {
  id: 'ep-1',
  created_at: '2026-10-01T00:00:00Z',
  min_cu: 0.25,
  shared_min_cu: null,
  suspend_timeout_seconds: 300,
}

const branch: BranchFacts = {
  project_id: 'p',
  branch_id: 'br-1',
  branch_name: 'dev',
  is_default: false,
  protected: false,
  created_at: daysAgo(40),
  children: 0,
  history_retention_seconds: 7 * 86_400,
  last_active: daysAgo(1),
  exclusive_bytes: null,
  endpoints: [endpoint],
  storage_byte_hours: 24 * 1e9,
  history_byte_hours: 0,
  branch_hours: 24,
  active_ms: new Map(),
  compute_ms: new Map(),
}

function advise(change: Partial<BranchFacts>, stays: AdviceInput['stays'] = new Map()) {
  return adviseOn({ branches: [{ ...branch, ...change }], prices: presets.neon, now, from, stays })
}

test('a branch that is used, and a compute that sleeps, need none', () => {
  expect(advise({})).toEqual([])
})

test('a branch that nobody has used for two weeks is to be deleted', () => {
  const [advice] = advise({ last_active: daysAgo(20), exclusive_bytes: 3e9 })
  expect(advice?.kind).toBe('unused_branch')
  expect(advice?.message).toContain('dev has not been used for 20 days: delete it, which frees 3.0')
  expect(advice?.cost_month).toBeCloseTo(0.35 + 1.5)
  expect(advise({ last_active: null })).toHaveLength(1)
  expect(advise({ last_active: daysAgo(13) })).toEqual([])
})

test.each([{ is_default: true }, { protected: true }, { children: 1 }])(
  'but not one that is needed: %o',
  (needed) => {
    expect(advise({ last_active: daysAgo(20), ...needed })).toEqual([])
  },
)

test('history that outweighs its data is to be kept for less time', () => {
  const [advice] = advise({ history_byte_hours: 24 * 2e9 })
  expect(advice).toMatchObject({ kind: 'expensive_history', branch_id: 'br-1' })
  expect(advice?.message).toContain('holds 2.0 GB and its data 1.0 GB')
  expect(advice?.cost_month).toBeCloseTo(0.4)
  expect(advise({ history_byte_hours: 24 * 0.9e9 })).toEqual([])
})

test('a compute that never sleeps is told with who keeps it awake', () => {
  const active = {
    active_ms: new Map([['ep-1', monthMs]]),
    compute_ms: new Map([['ep-1', monthMs / 4]]),
  }
  const cause = { reason: 'in use', application_name: 'uptime', role: 'probe' }
  const [advice] = advise(active, new Map([['ep-1', cause]]))
  expect(advice).toMatchObject({ kind: 'never_sleeps', endpoint_id: 'ep-1' })
  expect(advice?.message).toContain('in use (uptime, role probe)')
  expect(advice?.message).toContain('coppice computes quiet ep-1 "uptime"')
  expect(advice?.cost_month).toBeCloseTo(0.25 * 744 * 0.106)
  const never = { ...endpoint, suspend_timeout_seconds: -1 }
  expect(advise({ ...active, endpoints: [never] })[0]?.message).toContain('told never to')
})

test('of a compute that is new nothing is said', () => {
  const young = { ...endpoint, created_at: new Date(now.getTime() - 3_600_000).toISOString() }
  const active_ms = new Map([['ep-1', 3_600_000]])
  expect(advise({ endpoints: [young], active_ms })).toEqual([])
})

test('the dearest comes first', () => {
  const kinds = advise({ last_active: daysAgo(20), history_byte_hours: 24 * 50e9 })
  expect(kinds.map((one) => one.kind)).toEqual(['expensive_history', 'unused_branch'])
})
