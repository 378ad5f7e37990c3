import { setTimeout as delay } from 'node:timers/promises'

import type { AppliedFile } from '@coppice/api'

import { AdvisedError } from './advised-error.ts'
import type { Blocker } from './blockers.ts'
import { watchBlockers } from './blockers.ts'
import { clearLeftover, isConcurrent } from './concurrent-index.ts'
import type { Database } from './database.ts'
import {
  createLedger,
  lockHolder,
  readLedger,
  readOwnChanges,
  recordOwnChanges,
  recordProgress,
  tryLockLedger,
} from './ledger.ts'
import type { Migration } from './migration.ts'
import type { Observer } from './observer.ts'
import { compareWithLedger, planTasks, type Task } from './plan.ts'
import { takeRestorePoint } from './restore-point.ts'
import { type Retries, retryLocked } from './retry.ts'
import type { BranchScope } from './scope.ts'
import { inTransaction, migratingSession, openSession, type Session } from './session.ts'
import { failedAt } from './statement-error.ts'
import type { Statement } from './statements.ts'
import { readToolHistory, type ToolHistory } from './tool-ledgers.ts'

/** How an apply goes about it. */
export interface ApplyOptions extends Retries {
  /** 0: none. */
  statementTimeoutMs: number
  allowOutOfOrder: boolean
  /** Until when its restore point is kept; undefined: none is made. */
  keepUntil: string | undefined
}

export interface ApplyAnswer {
  applied: AppliedFile[]
  restore_point: string | null
}

interface Run {
  observer: Observer
  session: Session
  options: ApplyOptions
  tools: ToolHistory
  restorePointId: string | undefined
  blockers: () => readonly Blocker[]
}

/** How long another applier is waited for: one that was killed lives until its statement ends. */
const lockWaitMs = 10_000
const lockPollMs = 250

/** Runs what is pending, in order. What has been applied stays when a later file fails. */
export async function applyMigrations(
  observer: Observer,
  scope: BranchScope,
  database: Database,
  migrations: readonly Migration[],
  options: ApplyOptions,
): Promise<ApplyAnswer> {
  return openSession(database, migratingSession(options), async (session) => {
    await lockLedger(session)
    await createLedger(session)
    const tools = await readToolHistory(session)
    const standings = compareWithLedger(migrations, await readLedger(session), tools)
    const tasks = planTasks(standings, options.allowOutOfOrder)
    if (tasks.length === 0) return { applied: [], restore_point: null }
    const restorePointId = await restorePointFor(scope, session, tasks, options)
    return watchBlockers(database, session.pid, async (blockers) => {
      const run: Run = { observer, session, options, tools, restorePointId, blockers }
      const applied: AppliedFile[] = []
      for (const task of tasks) applied.push(await applyFile(run, task))
      return { applied, restore_point: restorePointId ?? null }
    })
  })
}

async function lockLedger(session: Session): Promise<void> {
  const deadline = Date.now() + lockWaitMs
  while (!(await tryLockLedger(session))) {
    if (Date.now() > deadline) {
      const holder = await lockHolder(session)
      throw new AdvisedError(
        `Somebody else is applying migrations here${holder ? `: ${holder}` : ''}.`,
        {
          advice:
            'Wait until they are done. An apply that was killed ends with its last statement.',
        },
      )
    }
    await delay(lockPollMs)
  }
}

/** A file that was interrupted keeps the point from before its first statement. */
async function restorePointFor(
  scope: BranchScope,
  session: Session,
  tasks: readonly Task[],
  { keepUntil }: ApplyOptions,
): Promise<string | undefined> {
  const interrupted = tasks.find(({ entry }) => entry?.restore_point_id)?.entry?.restore_point_id
  if (interrupted) return interrupted
  const [first] = tasks
  if (keepUntil === undefined || !first) return undefined
  return takeRestorePoint(scope, session, first.migration.name, keepUntil)
}

async function applyFile(run: Run, task: Task): Promise<AppliedFile> {
  const { observer, session } = run
  const { migration, done } = task
  const startedMs = performance.now()
  const count = migration.statements.length
  observer.note(
    `${migration.name}: ${count} statement${count === 1 ? '' : 's'}` +
      (done > 0 ? `, of which ${done} ran before` : ''),
  )
  if (migration.transactional) await applyWhole(run, migration, startedMs)
  else await applyOneByOne(run, task, startedMs)
  // SET in one file is not meant for the next.
  await session.run('reset all')
  await session.run('reset role')
  return {
    name: migration.name,
    statements: count,
    duration_ms: Math.round(performance.now() - startedMs),
  }
}

async function applyWhole(run: Run, migration: Migration, startedMs: number): Promise<void> {
  const { statements } = migration
  await retryLocked(run.observer, run.options, migration.name, run.blockers, async () =>
    inTransaction(run.session, async () => {
      for (const statement of statements) await runStatement(run, migration, statement)
      await note(run, migration, statements.length, startedMs)
    }),
  )
}

/** With a line in the ledger after each, so that the next apply goes on where this one ended. */
async function applyOneByOne(
  run: Run,
  { migration, done, entry }: Task,
  startedMs: number,
): Promise<void> {
  const { session } = run
  const { statements } = migration
  if (!entry || statements.length === 0) {
    await inTransaction(session, async () => note(run, migration, 0, startedMs))
  }
  for (const [at, statement] of statements.entries()) {
    if (at < done) continue
    const what = `${migration.name}:${statement.line}`
    await retryLocked(run.observer, run.options, what, run.blockers, async () => {
      if (statement.transactional) {
        await inTransaction(session, async () => {
          await runStatement(run, migration, statement)
          await note(run, migration, at + 1, startedMs)
        })
        return
      }
      // Only what an interrupted apply began can be there already.
      const isThere = await clearLeftover(session, statement, run.observer)
      if (!isThere || at > done || !entry) await runAlone(run, migration, statement)
      await inTransaction(session, async () => note(run, migration, at + 1, startedMs))
    })
  }
}

/** A concurrent build waits for the transactions of others, and nobody for it: it may wait long. */
async function runAlone(run: Run, migration: Migration, statement: Statement): Promise<void> {
  if (!isConcurrent(statement)) return runStatement(run, migration, statement)
  await run.session.run('set lock_timeout = 0')
  try {
    await runStatement(run, migration, statement)
  } finally {
    // Where the session is lost, that is not what has to be told.
    await run.session.run('reset lock_timeout').catch(() => undefined)
  }
}

async function runStatement(
  { session }: Run,
  migration: Migration,
  statement: Statement,
): Promise<void> {
  try {
    await session.run(statement.text)
  } catch (error) {
    throw failedAt(migration.name, statement, error)
  }
}

/** Within the transaction of what it notes. */
async function note(
  { session, tools, restorePointId }: Run,
  migration: Migration,
  done: number,
  startedMs: number,
): Promise<void> {
  // The file may have become another role, which cannot write here.
  await session.run('set local role none')
  if (restorePointId !== undefined) {
    await recordOwnChanges(session, restorePointId, await readOwnChanges(session))
  }
  await recordProgress(session, { migration, done, startedMs, restorePointId })
  if (done === migration.statements.length) await tools.record(session, migration)
}
