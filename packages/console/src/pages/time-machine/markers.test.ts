import { expect, test } from 'vitest'

import { gatherMarkers, groupMarkers, type Marker, neighboursOf } from './markers.ts'

const at = (second: number): string => new Date(second * 1000).toISOString()
const marker = (ms: number): Marker => ({ id: `${ms}`, ms, kind: 'snapshot', label: `at ${ms}` })

/** Of what the API answers, what markers are made of. */
function happened(): Parameters<typeof gatherMarkers>[0] {
  const branch = { id: 'br-a', name: 'a', parent_id: 'br-main' }
  const child = { id: 'br-c', name: 'c', parent_id: 'br-a', created_at: at(51) }
  const line = { deleted: false, snapshots: [] }
  const operation = { branch_id: 'br-a', action: 'swap_binding_id', status: 'finished' }
  return {
    branch,
    branches: [branch, { ...child, parent_timestamp: at(50) }, { ...child, parent_id: 'br-x' }],
    history: {
      lines: [
        { ...line, branch_id: 'br-a', branch_name: 'a' },
        { ...line, branch_id: 'br-main', branch_name: 'main', until: { timestamp: at(10) } },
      ],
    },
    snapshots: [
      {
        id: 's1',
        name: 'nightly',
        source_branch_id: 'br-a',
        timestamp: at(20),
        created_at: at(99),
      },
      { id: 's2', name: 'of another', source_branch_id: 'br-x', created_at: at(20) },
    ],
    operations: [
      { ...operation, id: 'o1', created_at: at(30) },
      { ...operation, id: 'o2', created_at: at(31), status: 'failed' },
      { ...operation, id: 'o3', created_at: at(32), action: 'start_compute' },
      { ...operation, id: 'o4', created_at: at(33), branch_id: 'br-x' },
    ],
    migrations: [{ name: '001_init', appliedMs: 40_000 }],
  } as unknown as Parameters<typeof gatherMarkers>[0]
}

test('a branch’s marks are its own snapshots, restores, children, migrations and its beginning', () => {
  expect(gatherMarkers(happened()).map(({ ms, label }) => [ms / 1000, label])).toEqual([
    [10, 'its data left main'],
    [20, 'snapshot nightly'],
    [30, 'restored or reset'],
    [40, 'migration 001_init'],
    [50, 'c branched off'],
  ])
})

test('marks that would overlap are one, and those outside of the view are none', () => {
  const markers = [5, 100, 110, 600, 2000].map(marker)
  const groups = groupMarkers(markers, { fromMs: 50, toMs: 1050 }, 1000)
  expect(groups.map(({ markers: own }) => own.map(({ ms }) => ms))).toEqual([[100, 110], [600]])
  expect(groups[0]?.share).toBeCloseTo(0.055)
  // A long row of marks is several groups, not one that swallows all.
  const row = Array.from({ length: 20 }, (_, index) => marker(index * 10))
  expect(groupMarkers(row, { fromMs: 0, toMs: 200 }, 200).length).toBeGreaterThan(3)
})

test('neighbours are the nearest on both sides, without the moment itself', () => {
  const markers = [100, 200, 300].map(marker)
  expect(neighboursOf(markers, 200)).toEqual({ before: markers[0], after: markers[2] })
  expect(neighboursOf(markers, 50)).toEqual({ before: undefined, after: markers[0] })
})
