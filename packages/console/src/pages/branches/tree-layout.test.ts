import type { Branch } from '@coppice/api'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { createTimeScale } from './time-scale.ts'
import {
  bendPx,
  layoutTree,
  ownBytes,
  placeLines,
  visibleForks,
  withAncestors,
} from './tree-layout.ts'

const minute = 60_000
const origin = Date.parse('2026-01-01T00:00:00Z')

function branch(name: string, atMinute: number, more: Partial<Branch> = {}): Branch {
  const at = new Date(origin + atMinute * minute).toISOString()
  // The rest of a branch plays no part here.
  return {
    id: `br-${name}`,
    name,
    created_at: at,
    default: false,
    written_data_bytes: 0,
    ...more,
  } as Branch
}

const main = branch('main', 0, { default: true })
const of = (parent: Branch) => ({ parent_id: parent.id })
const names = (branches: Branch[], collapsed?: Set<string>): string[] =>
  layoutTree(branches, collapsed).rows.map(
    ({ branch: { name }, depth }) => '.'.repeat(depth) + name,
  )

test('children stand below their parent, those that left it last first', () => {
  const dev = branch('dev', 10, of(main))
  const found = [branch('a', 30, of(dev)), dev, branch('late', 20, of(main)), main]
  expect(names(found)).toEqual(['main', '.late', '.dev', '..a'])
})

test('the default branch is the first of the roots, and a branch without its parent is one', () => {
  const found = [branch('orphan', 50, { parent_id: 'br-gone' }), main]
  expect(names(found)).toEqual(['main', 'orphan'])
})

test('what is below a collapsed branch has no row, and is counted', () => {
  const dev = branch('dev', 10, of(main))
  const found = [main, dev, branch('a', 30, of(dev))]
  expect(names(found, new Set([dev.id]))).toEqual(['main', '.dev'])
  expect(layoutTree(found, new Set([dev.id])).rows[1]).toMatchObject({
    childCount: 1,
    isCollapsed: true,
  })
})

test('a branch of the past leaves its parent there, one that was reset when it was', () => {
  const at = (atMinute: number): string => new Date(origin + atMinute * minute).toISOString()
  const past = branch('past', 60, { ...of(main), parent_timestamp: at(5) })
  const again = branch('again', 10, {
    ...of(main),
    parent_timestamp: at(10),
    last_reset_at: at(40),
  })
  const { rows, forks } = layoutTree([main, past, again])
  expect(rows.map(({ branch: { name }, beginMs }) => [name, (beginMs - origin) / minute])).toEqual([
    ['main', 0],
    ['again', 10],
    ['past', 5],
  ])
  expect(forks.map(({ atMs }) => (atMs - origin) / minute)).toEqual([40, 5])
})

test('a chain of 20,000 branches is laid out', () => {
  const chain = [main]
  for (let at = 1; at < 20_000; at++) chain.push(branch(`b${at}`, at, of(chain[at - 1] ?? main)))
  expect(layoutTree(chain).rows.at(-1)).toMatchObject({ depth: 19_999 })
})

test('no fork crosses the line of a branch that it passes', () => {
  const trees = fc.array(fc.record({ parent: fc.nat(), after: fc.nat({ max: 1000 }) }), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(trees, (plan) => {
      const made = [main]
      for (const { parent, after } of plan) {
        const from = made[parent % made.length] ?? main
        const atMinute = (Date.parse(from.created_at) - origin) / minute + after
        made.push(branch(`b${made.length}`, atMinute, of(from)))
      }
      const { rows, forks } = layoutTree(made)
      for (const { atMs, fromRow, toRow } of forks) {
        for (const { beginMs } of rows.slice(fromRow + 1, toRow)) {
          expect(beginMs).toBeGreaterThanOrEqual(atMs)
        }
      }
    }),
  )
})

test('of forks that pass at one place one is drawn, and each that ends in sight', () => {
  const forks = [1, 2, 3, 50, 51, 52].map((toRow) => ({ atMs: origin, fromRow: 0, toRow }))
  const drawn = visibleForks(forks, 0, 10, () => 5)
  expect(drawn.map(({ toRow, isPassing }) => [toRow, isPassing])).toEqual([
    [52, true],
    [1, false],
    [2, false],
    [3, false],
  ])
  expect(visibleForks(forks, 60, 70, () => 5)).toEqual([])
})

test('what was made within a second is drawn apart, and nothing later than now', () => {
  const dev = branch('dev', 10, of(main))
  const a = branch('a', 10, of(dev))
  const layout = layoutTree([main, dev, a, branch('b', 10, of(a))])
  const nowX = 10 + 2.5 * bendPx
  expect(placeLines(layout, () => 10, nowX)).toEqual([10, 10 + bendPx, 10 + 2 * bendPx, nowX])
})

test('a search keeps what its findings come from', () => {
  const dev = branch('dev', 10, of(main))
  const found = [main, dev, branch('a', 30, of(dev)), branch('b', 31, of(main))]
  const kept = withAncestors(found, ({ name }) => name === 'a')
  expect(kept.map(({ name }) => name)).toEqual(['main', 'dev', 'a'])
})

test('a branch has of its own what it wrote, a root everything', () => {
  expect(ownBytes({ ...main, logical_size: 500 })).toBe(500)
  expect(ownBytes({ ...main, ...of(main), logical_size: 500, written_data_bytes: 20 })).toBe(20)
  expect(ownBytes({ ...main, ...of(main), logical_size: 500, written_data_bytes: 900 })).toBe(500)
  expect(ownBytes({ ...main, ...of(main) })).toBeUndefined()
})

test('the scale keeps the order of moments within its width, now where it says', () => {
  const nowMs = origin + 90 * 86_400_000
  const scale = createTimeScale({
    nowMs,
    oldestMs: origin,
    latestMs: nowMs + 86_400_000,
    width: 600,
  })
  expect(scale.xOf(nowMs)).toBe(scale.nowX)
  const moment = fc.integer({ min: origin - 86_400_000, max: nowMs + 2 * 86_400_000 })
  fc.assert(
    fc.property(moment, moment, (a, b) => {
      const [earlier, later] = [scale.xOf(Math.min(a, b)), scale.xOf(Math.max(a, b))]
      expect(earlier).toBeLessThanOrEqual(later)
      expect(earlier).toBeGreaterThanOrEqual(0)
      expect(later).toBeLessThanOrEqual(600)
    }),
  )
  const xs = scale.ticks.map(({ x }) => x)
  expect(Math.min(...xs.slice(1).map((x, at) => x - (xs[at] ?? 0)))).toBeGreaterThan(40)
  expect(scale.ticks.map(({ label }) => label)).toEqual(
    expect.arrayContaining(['now', '1 h', '1 month', 'in 1 h']),
  )
})
