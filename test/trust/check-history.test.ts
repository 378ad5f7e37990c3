import { expect, test } from 'vitest'

import { checkHistory, type Isolation, type Step, type Transaction } from './check-history.ts'
import { randomNumbers } from './random-numbers.ts'

/** Histories with a fault in them, each of which has to be found, and some without. */
const x = 1
const y = 2
const append = (key: number, value: number): Step => ({ kind: 'append', key, value })
const read = (key: number, ...values: number[]): Step => ({ kind: 'read', key, values })

let ids = 0
const committed = (...steps: Step[]): Transaction => ({ id: ++ids, steps, outcome: 'committed' })
const aborted = (...steps: Step[]): Transaction => ({ id: ++ids, steps, outcome: 'aborted' })
const unknown = (...steps: Step[]): Transaction => ({ id: ++ids, steps, outcome: 'unknown' })

const kinds = (history: Transaction[], isolation: Isolation): string[] => [
  ...new Set(checkHistory(history, isolation).map(({ kind }) => kind)),
]

test('finds nothing where transactions ran one after another', () => {
  const history = [
    committed(append(x, 1), append(y, 2)),
    committed(read(x, 1), append(x, 3), read(x, 1, 3)),
    aborted(append(x, 99)),
    unknown(append(y, 4)),
    unknown(append(y, 5)),
    committed(read(x, 1, 3), read(y, 2, 4)),
  ]
  expect(kinds(history, 'serializable')).toEqual([])
})

test('finds writes that went around each other (G0)', () => {
  const history = [
    committed(append(x, 1), append(y, 2)),
    committed(append(x, 3), append(y, 4)),
    committed(read(x, 1, 3), read(y, 4, 2)),
  ]
  expect(kinds(history, 'read committed')).toContain('G0')
})

test('finds a read of what was never committed (G1a)', () => {
  expect(kinds([aborted(append(x, 1)), committed(read(x, 1))], 'read committed')).toEqual(['G1a'])
})

test('finds a read of the middle of a transaction (G1b)', () => {
  const history = [committed(append(x, 1), append(x, 2)), committed(read(x, 1))]
  expect(kinds([...history, committed(read(x, 1, 2))], 'read committed')).toEqual(['G1b'])
})

test('finds transactions that read from each other (G1c)', () => {
  const history = [committed(append(x, 1), read(y, 2)), committed(append(y, 2), read(x, 1))]
  expect(kinds(history, 'read committed')).toEqual(['G1c'])
})

test('finds a lost update, where a snapshot is promised (G-single)', () => {
  const history = [
    committed(append(x, 1)),
    committed(read(x, 1), append(x, 2)),
    committed(read(x, 1), append(x, 3)),
    committed(read(x, 1, 2, 3)),
  ]
  expect(kinds(history, 'read committed')).toEqual([])
  expect(kinds(history, 'snapshot')).toEqual(['G-single'])
})

test('finds a snapshot that is torn: half of a transaction was seen (G-single)', () => {
  const history = [
    committed(append(x, 1), append(y, 2)),
    committed(read(x, 1), read(y)),
    committed(read(y, 2)),
  ]
  expect(kinds(history, 'snapshot')).toEqual(['G-single'])
})

test('finds write skew where serializability is promised, and allows it to a snapshot (G2)', () => {
  const history = [
    committed(read(x), append(y, 1)),
    committed(read(y), append(x, 2)),
    committed(read(x, 2), read(y, 1)),
  ]
  expect(kinds(history, 'snapshot')).toEqual([])
  expect(kinds(history, 'serializable')).toEqual(['G2'])
})

test('finds lists that do not fit together, and values that nobody wrote', () => {
  const writers = [committed(append(x, 1)), committed(append(x, 2))]
  expect(
    kinds([...writers, committed(read(x, 1, 2)), committed(read(x, 2))], 'read committed'),
  ).toContain('order')
  expect(kinds([committed(read(x, 7))], 'read committed')).toContain('garbage')
})

test('finds a transaction that does not see its own writes', () => {
  expect(kinds([committed(append(x, 1), read(x))], 'snapshot')).toContain('internal')
  expect(kinds([committed(append(x, 1)), committed(read(x), read(x, 1))], 'snapshot')).toContain(
    'internal',
  )
})

test('takes thousands of transactions that ran one after another, and finds the one that is moved', () => {
  const random = randomNumbers(7)
  const lists = new Map<number, number[]>()
  let value = 100
  const history = Array.from({ length: 1500 }, () => {
    const steps = Array.from({ length: 1 + random.below(4) }, (): Step => {
      const key = random.below(40)
      const values = lists.get(key) ?? []
      if (random.below(2) === 0) return read(key, ...values)
      lists.set(key, [...values, ++value])
      return append(key, value)
    })
    return committed(...steps)
  })
  expect(kinds(history, 'serializable')).toEqual([])
  const late = history.findLast(({ steps }) =>
    steps.some((step) => step.kind === 'read' && step.values.length > 2),
  )
  const stale = late?.steps.find((step) => step.kind === 'read')
  if (stale?.kind !== 'read' || late === undefined) throw new Error('somebody has read something')
  // It read the newest version of one list, and of another one what was there long before.
  const other = [...lists.keys()].find((key) => key !== stale.key) ?? 0
  const moved = committed(read(stale.key, ...stale.values), read(other))
  expect(kinds([...history, moved], 'serializable')).toEqual(['G-single'])
})
