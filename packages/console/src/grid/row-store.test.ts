import { expect, test, vi } from 'vitest'

import { RowStore } from './row-store.ts'

const columns = [
  { name: 'a', type: 'text' },
  { name: 'b', type: 'integer' },
]

test('gives back what was put in, NULL and empty texts apart', () => {
  const store = new RowStore(columns)
  const rows = [
    ['Ada', null],
    ['', '1'],
    [null, null],
    ['🐘é', '-2'],
  ]
  store.append(rows.slice(0, 1))
  store.append(rows.slice(1, 3))
  store.append([])
  store.append(rows.slice(3))
  expect(store.rowCount).toBe(4)
  expect(rows.map((row, index) => row.map((_, column) => store.cell(index, column)))).toEqual(rows)
  expect(store.cell(4, 0)).toBeNull()
  expect(store.cell(-1, 0)).toBeNull()
  expect(store.cell(0, 2)).toBeNull()
})

test('finds rows in batches of any size', () => {
  const store = new RowStore(columns)
  let next = 0
  for (const size of [1, 7, 1000, 2, 300]) {
    store.append(Array.from({ length: size }, () => [`n${next}`, String(next++)]))
  }
  for (const row of [0, 1, 7, 8, 1007, 1008, 1009, 1010, 1309]) {
    expect([store.cell(row, 0), store.cell(row, 1)]).toEqual([`n${row}`, String(row)])
  }
})

test('tells of more rows now and then, and at once when asked', () => {
  vi.useFakeTimers()
  try {
    const store = new RowStore(columns)
    const heard = vi.fn<() => void>()
    const leave = store.subscribe(heard)
    store.append([['a', '1']])
    store.append([['b', '2']])
    expect(heard).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100)
    expect(heard).toHaveBeenCalledTimes(1)
    store.append([['c', '3']])
    store.flush()
    expect(heard).toHaveBeenCalledTimes(2)
    leave()
    vi.advanceTimersByTime(1000)
    expect(heard).toHaveBeenCalledTimes(2)
  } finally {
    vi.useRealTimers()
  }
})
