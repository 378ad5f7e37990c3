import { expect, test } from 'vitest'

import { layOutPlan, nodeHeight } from './plan-layout.ts'
import { planText } from './plan-text.ts'
import { formatCount, readPlan } from './read-plan.ts'

const scan = (more: object) => ({
  'Node Type': 'Seq Scan',
  'Relation Name': 'orders',
  Alias: 'o',
  'Startup Cost': 0,
  'Total Cost': 100,
  'Plan Rows': 1000,
  'Plan Width': 8,
  'Actual Startup Time': 0.01,
  'Actual Total Time': 30,
  'Actual Rows': 1000,
  'Actual Loops': 1,
  ...more,
})
const read = (plan: object, top: object = {}) => {
  const answer = readPlan(JSON.stringify([{ Plan: plan, ...top }]))
  if (answer === undefined) throw new Error('it is a plan')
  return answer
}

test('each node has its own share of the time', () => {
  const { root, nodes } = read({
    ...scan({ 'Node Type': 'Sort', 'Actual Total Time': 100 }),
    Plans: [
      scan({ 'Actual Total Time': 10, 'Actual Loops': 4 }),
      scan({ 'Actual Total Time': 20 }),
    ],
  })
  expect(nodes.map(({ own }) => own)).toEqual([40, 40, 20])
  expect(root.share).toBeCloseTo(0.4)
  expect(nodes[1]?.rows).toBe(4000)
})

test('what workers do at the same time is counted once', () => {
  const { nodes } = read({
    ...scan({ 'Node Type': 'Gather', 'Workers Launched': 2, 'Actual Total Time': 50 }),
    Plans: [scan({ 'Parallel Aware': true, 'Actual Total Time': 40, 'Actual Loops': 3 })],
  })
  expect(nodes[1]).toMatchObject({ name: 'Parallel Seq Scan', timeMs: 40, own: 40 })
  expect(nodes[0]?.own).toBe(10)
})

test('a plan that was not run is shared by cost', () => {
  const { wasRun, nodes } = read({
    'Node Type': 'Limit',
    'Total Cost': 120,
    'Plan Rows': 5,
    Plans: [{ 'Node Type': 'Seq Scan', 'Total Cost': 90, 'Plan Rows': 100, 'Relation Name': 't' }],
  })
  expect(wasRun).toBe(false)
  expect(nodes.map(({ own, share }) => [own, share])).toEqual([
    [30, 0.25],
    [90, 0.75],
  ])
})

test('warns of estimates that are far off, scans that keep little, and spills', () => {
  const warn = (more: object): string => read(scan(more)).root.warnings.join('; ')
  expect(warn({})).toBe('')
  expect(warn({ 'Actual Rows': 50_000 })).toContain('50 times more rows than estimated')
  expect(warn({ 'Actual Rows': 9, 'Plan Rows': 1 })).toBe('')
  expect(warn({ 'Actual Rows': 10, 'Plan Rows': 10, 'Rows Removed by Filter': 99_990 })).toContain(
    'reads 100,000 rows to keep 10',
  )
  expect(warn({ 'Sort Space Type': 'Disk', 'Sort Space Used': 5120 })).toContain('5,120 kB on disk')
  expect(warn({ 'Hash Batches': 8 })).toContain('8 batches')
  expect(warn({ 'Actual Loops': 0, 'Actual Rows': 0 })).toBe('')
})

test('nodes are named as the text form names them', () => {
  const name = (more: object): string => read(scan(more)).root.name
  expect(name({ 'Node Type': 'Hash Join', 'Join Type': 'Left' })).toBe('Hash Left Join')
  expect(name({ 'Node Type': 'Nested Loop', 'Join Type': 'Semi' })).toBe('Nested Loop Semi Join')
  expect(name({ 'Node Type': 'Aggregate', Strategy: 'Hashed', 'Partial Mode': 'Partial' })).toBe(
    'Partial HashAggregate',
  )
  expect(name({ 'Node Type': 'ModifyTable', Operation: 'Insert' })).toBe('Insert')
})

test('the text form has the lines of EXPLAIN', () => {
  const plan = read(
    {
      ...scan({ 'Node Type': 'Sort', 'Relation Name': undefined, Alias: undefined }),
      'Sort Key': ['o.id', 'o.at'],
      Plans: [scan({ Filter: '(id > 3)', 'Actual Loops': 0 })],
    },
    { 'Planning Time': 0.25, 'Execution Time': 31 },
  )
  expect(planText(plan)).toBe(
    `Sort  (cost=0.00..100.00 rows=1000 width=8) (actual time=0.010..30.000 rows=1000 loops=1)
  Sort Key: o.id, o.at
  ->  Seq Scan on orders o  (cost=0.00..100.00 rows=1000 width=8) (never executed)
        Filter: (id > 3)
Planning Time: 0.250 ms
Execution Time: 31.000 ms`,
  )
})

test('nodes of a plan stand beside each other and do not overlap', () => {
  const { root } = read({
    ...scan({ 'Node Type': 'Append' }),
    Plans: [scan({ Plans: [scan({}), scan({})] }), scan({}), scan({})],
  })
  const { nodes, edges, height } = layOutPlan(root)
  expect(edges).toHaveLength(nodes.length - 1)
  for (const one of nodes) {
    expect(one.y + nodeHeight).toBeLessThanOrEqual(height)
    for (const other of nodes) {
      if (one === other || one.x !== other.x) continue
      expect(Math.abs(one.y - other.y)).toBeGreaterThanOrEqual(nodeHeight)
    }
  }
})

test('what is no plan is none', () => {
  expect(readPlan('[]')).toBeUndefined()
  expect(readPlan('Seq Scan on t')).toBeUndefined()
  expect([formatCount(1234.4), formatCount(2_500_000)]).toEqual(['1,234', '2.5 million'])
})
