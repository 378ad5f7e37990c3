import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { clearHistory, type HistoryEntry, readHistory, recordRun } from './query-history.ts'

const kept = new Map<string, string>()
beforeEach(() => {
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  })
})
afterEach(() => {
  kept.clear()
  vi.unstubAllGlobals()
})

const entry = (sql: string, at = 0): HistoryEntry => ({
  at,
  sql,
  branch: 'main',
  database: 'neondb',
  role: 'neondb_owner',
  durationMs: 1,
  rows: 1,
})

test('the newest is first, and there are two hundred at most', () => {
  for (let at = 0; at < 210; at += 1) recordRun('p', entry(`select ${at}`, at))
  const all = readHistory('p')
  expect(all).toHaveLength(200)
  expect(all[0]?.sql).toBe('select 209')
  expect(readHistory('other')).toEqual([])
  clearHistory('p')
  expect(readHistory('p')).toEqual([])
})

test('what is run again at once is one entry, and a long text is cut', () => {
  recordRun('p', entry('select 1', 1))
  recordRun('p', entry('select 1', 2))
  recordRun('p', entry('x'.repeat(20_000), 3))
  recordRun('p', entry('select 1', 4))
  expect(readHistory('p').map(({ at, sql }) => [at, sql.length])).toEqual([
    [4, 8],
    [3, 10_000],
    [2, 8],
  ])
})

test('a storage that is broken, or full, is as if it were empty', () => {
  kept.set('coppice.sql.history.p', '{"not": "a list"}')
  expect(readHistory('p')).toEqual([])
  kept.set('coppice.sql.history.p', 'no JSON')
  expect(readHistory('p')).toEqual([])
  vi.stubGlobal('localStorage', {
    getItem: () => null,
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError')
    },
  })
  expect(() => recordRun('p', entry('select 1'))).not.toThrow()
})
