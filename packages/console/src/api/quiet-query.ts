/**
 * Looking into a compute without waking it and without keeping it awake: SQL with `wake: false`. A compute
 * that sleeps is not asked; one that is frozen says `wake_refused`.
 */
import type { Endpoint } from '@coppice/api'
import { ApiError } from '@coppice/api/client'
import { useQuery, type UseQueryResult } from '@tanstack/react-query'

import { runSql, type SqlPlace } from './run-sql.ts'

/** Which database of which branch. */
export type QuietPlace = Pick<SqlPlace, 'projectId' | 'branchId' | 'database'>

/** Values as PostgreSQL writes them. */
export type ResultRow = Record<string, string | null>

/** What a statement has answered. */
export interface StatementResult {
  columns: string[]
  rows: ResultRow[]
}

const timeoutSeconds = 15
/** A compute that was frozen is tried again so often, since nothing tells when it goes on. */
const frozenRetryMs = 10_000

interface AskOptions {
  /** For what somebody wants done: it wakes the compute, and may write. Else it is a look. */
  mayWake?: boolean
  signal?: AbortSignal
}

/**
 * The results of the statements that have columns, in their order. Rejects with ApiError, also for what
 * PostgreSQL objects to, under its SQLSTATE.
 */
export async function ask(
  place: QuietPlace,
  sql: string,
  { mayWake = false, signal }: AskOptions = {},
): Promise<StatementResult[]> {
  const results = await runSql(place, sql, { mayWake, readOnly: !mayWake, timeoutSeconds, signal })
  return results
    .filter(({ columns }) => columns.length > 0)
    .map(({ columns, rows }) => {
      const names = columns.map(({ name }) => name)
      const named = (row: (string | null)[]): ResultRow =>
        Object.fromEntries(names.map((name, at) => [name, row[at] ?? null]))
      return { columns: names, rows: rows.map(named) }
    })
}

export const isAsleep = (error: unknown): boolean =>
  error instanceof ApiError && error.code === 'wake_refused'

interface QuietQueryOptions<T> {
  place: QuietPlace | undefined
  /** Of the branch, the one that writes: it is asked only while it is awake. */
  endpoint: Endpoint | undefined
  /** What of the page it is for. */
  name: string
  sql: string
  read: (results: StatementResult[]) => T
  everyMs: number
}

/** What a compute answers, anew every so often while the page is looked at and the compute is awake. */
export function useQuietQuery<T>(options: QuietQueryOptions<T>): UseQueryResult<T, Error> {
  const { place, endpoint, name, sql, read, everyMs } = options
  return useQuery({
    queryKey: ['quiet', place?.projectId, place?.branchId, place?.database, name, sql],
    queryFn: async ({ signal }) => {
      if (place === undefined) throw new Error('there is no database to ask')
      return read(await ask(place, sql, { signal }))
    },
    enabled: place !== undefined && endpoint?.current_state === 'active',
    refetchInterval: ({ state }) =>
      isAsleep(state.error) ? Math.max(frozenRetryMs, everyMs) : everyMs,
    staleTime: 0,
    retry: false,
  })
}
