import { expect, test } from 'vitest'

import type { LockParty } from './catalog-queries.ts'
import { countWaiters, growLockTrees, type LockNode } from './lock-tree.ts'

const party = (pid: number, ...waitsFor: number[]): LockParty => ({
  pid,
  waitsFor,
  role: 'app',
  database: 'shop',
  application: '',
  state: 'active',
  wait: undefined,
  seconds: 1,
  transactionSeconds: 1,
  query: '',
  wanted: undefined,
  waitedSeconds: undefined,
  holds: [],
})

const shapeOf = ({ party: { pid }, waiters }: LockNode): unknown =>
  waiters.length === 0 ? pid : [pid, ...waiters.map(shapeOf)]
const shapes = (...parties: LockParty[]) => growLockTrees(parties).map(shapeOf)

test('who waits for nobody is at the root, and the queue stands behind', () => {
  expect(shapes(party(2, 1), party(3, 2), party(1))).toEqual([[1, [2, 3]]])
})

test('each session is there once, as near to the root as it can be', () => {
  const trees = growLockTrees([party(1), party(2, 1), party(3, 2, 1)])
  expect(trees.map(shapeOf)).toEqual([[1, 2, 3]])
  expect(trees[0]?.waiters[1]?.alsoWaitsFor).toEqual([2])
})

test('whoever holds up the most comes first', () => {
  const trees = growLockTrees([party(1), party(2, 1), party(5), party(6, 5), party(7, 6)])
  expect(trees.map((tree) => [tree.party.pid, countWaiters(tree)])).toEqual([
    [5, 2],
    [1, 1],
  ])
})

test('sessions that all wait for each other are drawn all the same', () => {
  expect(shapes(party(1, 2), party(2, 1))).toEqual([[1, 2]])
})

test('nobody waits: nothing', () => {
  expect(shapes()).toEqual([])
})
