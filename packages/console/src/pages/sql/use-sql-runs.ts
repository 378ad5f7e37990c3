import { useCallback, useEffect, useRef, useState } from 'react'

import { type QueryPlace, runOn } from './run-on.ts'
import { type RunState, SqlRun } from './sql-run.ts'

/** What was last run from a tab. */
export interface TabRun {
  run: SqlRun
  place: QueryPlace
  /** It is an EXPLAIN, whose plan is what counts. */
  isPlan: boolean
  /** What happens before the first statement. */
  waitingFor: string
}

interface RunRequest extends Omit<TabRun, 'run'> {
  tabId: string
  sql: string
  onEnd: (state: RunState, run: SqlRun) => void
}

/** Of all results together: a browser's tab has some gigabytes, and there may be several. */
const memoryBytes = 256 * 1024 ** 2
/** For a run that finds the memory full of others' results. */
const leastBytes = 16 * 1024 ** 2

/** Runs of all tabs. They end when the page is left. */
export function useSqlRuns() {
  const [runs, setRuns] = useState<ReadonlyMap<string, TabRun>>(new Map())
  const latest = useRef(runs)
  useEffect(() => {
    latest.current = runs
  }, [runs])
  useEffect(
    () => () => {
      for (const { run } of latest.current.values()) run.stop()
    },
    [],
  )
  const begin = useCallback(
    ({ tabId, place, sql, isPlan, waitingFor, onEnd }: RunRequest): void => {
      if (latest.current.get(tabId)?.run.isRunning) return
      let others = 0
      for (const [id, { run }] of latest.current) if (id !== tabId) others += run.bytes
      const run: SqlRun = new SqlRun(sql, {
        limitBytes: Math.max(leastBytes, memoryBytes - others),
        query: async (signal) => runOn(place, sql, signal),
        onEnd: (state) => onEnd(state, run),
      })
      const next = new Map(latest.current).set(tabId, { run, place, isPlan, waitingFor })
      latest.current = next
      setRuns(next)
      void run.start()
    },
    [],
  )
  /** Of a tab that is closed. */
  const forget = useCallback((tabId: string): void => {
    latest.current.get(tabId)?.run.stop()
    const next = new Map(latest.current)
    next.delete(tabId)
    latest.current = next
    setRuns(next)
  }, [])
  return { runs, begin, forget }
}
