import type { LoadFigures, LoadReport } from '@coppice/api'

import { AdvisedError } from './advised-error.ts'
import type { Database } from './database.ts'
import { rounded } from './measure.ts'
import type { RecordedQuery } from './plans.ts'
import { firstLineOf } from './statement-error.ts'

interface Run {
  sql: string
  startedMs: number
  durationMs: number
  failed: boolean
}

/** A statement of the migration and when it, with its locks, began and ended. */
export interface Window {
  place: string
  startedMs: number
  endedMs: number
}

/** How long the load runs alone first, to know what is usual. */
const warmUpMs = 2000
const slowestMax = 5

/** The recorded queries that can be run as they are. */
export function withoutParameters(top: readonly RecordedQuery[]): string[] {
  const statements = top.map(({ query }) => query).filter((query) => !/\$\d/.test(query))
  if (statements.length > 0) return statements
  throw new AdvisedError('No recorded query is without parameters.', {
    advice: 'Write typical statements into a file and give it: --load load.sql',
  })
}

/** Runs `work` beside a load; answers what both have to say. */
export async function underLoad<T>(
  database: Database,
  statements: readonly string[],
  connections: number,
  work: () => Promise<T>,
  windows: () => readonly Window[],
): Promise<{ result: T; report: LoadReport }> {
  const runs: Run[] = []
  let isOver = false
  const clients = Array.from({ length: connections }, async (_, client) =>
    database.open(
      async (sql) => {
        for (let at = client; !isOver; at++) {
          const statement = statements[at % statements.length] ?? ''
          const startedMs = performance.now()
          const failed = await sql.unsafe(statement).then(
            () => false,
            () => true,
          )
          runs.push({
            sql: statement,
            startedMs,
            durationMs: performance.now() - startedMs,
            failed,
          })
        }
      },
      { application_name: 'coppice migrate load' },
    ),
  )
  const ended = Promise.all(clients)
  // It is awaited below; until then a client that fails must not end the process.
  ended.catch(() => undefined)
  try {
    const beganMs = performance.now()
    await new Promise((resolveWait) => {
      setTimeout(resolveWait, warmUpMs)
    })
    const changedMs = performance.now()
    const result = await work()
    isOver = true
    await ended
    return {
      result,
      report: reportOf(
        runs.filter((run) => run.startedMs >= beganMs),
        changedMs,
        connections,
        windows(),
      ),
    }
  } finally {
    isOver = true
  }
}

function reportOf(
  runs: readonly Run[],
  changedMs: number,
  connections: number,
  windows: readonly Window[],
): LoadReport {
  const during = runs.filter((run) => run.startedMs + run.durationMs >= changedMs)
  const slowest = during.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, slowestMax)
  return {
    connections,
    before: figuresOf(runs.filter((run) => run.startedMs + run.durationMs < changedMs)),
    during: figuresOf(during),
    slowest: slowest.map((run) => ({
      sql: shorten(run.sql),
      duration_ms: rounded(run.durationMs),
      beside: besideOf(run, windows),
    })),
  }
}

/** What was held up longest overlaps most with what held it up. */
function besideOf({ startedMs, durationMs }: Run, windows: readonly Window[]): string | null {
  const overlaps = windows.map((window) => ({
    place: window.place,
    ms: Math.min(window.endedMs, startedMs + durationMs) - Math.max(window.startedMs, startedMs),
  }))
  const [most] = overlaps.filter(({ ms }) => ms > 0).toSorted((a, b) => b.ms - a.ms)
  return most?.place ?? null
}

function figuresOf(runs: readonly Run[]): LoadFigures {
  const sorted = runs.map((run) => run.durationMs).toSorted((a, b) => a - b)
  const at = (share: number) => rounded(sorted[Math.ceil(sorted.length * share) - 1] ?? 0)
  return {
    statements: runs.length,
    failed: runs.filter((run) => run.failed).length,
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    max_ms: at(1),
  }
}

function shorten(sql: string): string {
  return firstLineOf({ text: sql })
}
