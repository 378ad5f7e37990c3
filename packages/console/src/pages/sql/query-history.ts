import { isRecord, readStored, writeStored } from './bounded-storage.ts'

/** Something that was run from this browser. */
export interface HistoryEntry {
  /** When it was begun, in milliseconds since 1970. */
  at: number
  sql: string
  branch: string
  database: string
  role: string
  /** The moment that was looked at. */
  moment?: string
  durationMs: number
  /** Of all its statements together. */
  rows: number
  error?: string
}

const entriesMax = 200
/** What is longer is kept as far as this. */
const sqlMax = 10_000

const keyOf = (projectId: string): string => `coppice.sql.history.${projectId}`

const isHistory = (value: unknown): value is HistoryEntry[] =>
  Array.isArray(value) &&
  value.every((entry) => isRecord(entry) && typeof entry['sql'] === 'string')

/** Newest first. */
export const readHistory = (projectId: string): readonly HistoryEntry[] =>
  readStored(keyOf(projectId), isHistory) ?? []

/** The same statement on the same branch, run again and again, is one entry: the last time. */
export function recordRun(projectId: string, entry: HistoryEntry): void {
  const sql = entry.sql.slice(0, sqlMax)
  const before = readHistory(projectId).filter(
    (one, index) => index > 0 || one.sql !== sql || one.branch !== entry.branch,
  )
  writeStored(keyOf(projectId), [{ ...entry, sql }, ...before].slice(0, entriesMax))
}

export const clearHistory = (projectId: string): void => writeStored(keyOf(projectId), [])
