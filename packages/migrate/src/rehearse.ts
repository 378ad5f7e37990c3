import type { FileReport, Finding, Rehearsal } from '@coppice/api'

import { AdvisedError } from './advised-error.ts'
import { clearLeftover } from './concurrent-index.ts'
import type { Database } from './database.ts'
import { readLedger } from './ledger.ts'
import { lint } from './lint.ts'
import { underLoad, type Window, withoutParameters } from './load.ts'
import { type LockSampler, sampleLocks } from './lock-sampler.ts'
import { type Measured, measure, rounded } from './measure.ts'
import type { Migration } from './migration.ts'
import type { Observer } from './observer.ts'
import { compareWithLedger, planTasks, type Task } from './plan.ts'
import { comparePlans, planQueries, readTopQueries, type RecordedQuery } from './plans.ts'
import { takeReading } from './reading.ts'
import { type BranchScope, getBranch } from './scope.ts'
import { inTransaction, migratingSession, openSession, type Session } from './session.ts'
import { failedAt, firstLineOf } from './statement-error.ts'
import type { Statement } from './statements.ts'
import { onThrowawayBranch } from './throwaway-branch.ts'
import { readToolHistory } from './tool-ledgers.ts'

export interface RehearseOptions {
  allowOutOfOrder: boolean
  keep: boolean
  /** Statements that others run meanwhile, or `top`: the recorded queries. */
  load: readonly string[] | 'top' | undefined
  loadConnections: number
  statementTimeoutMs: number
}

/** The database that is rehearsed for, and how to reach the same one on another branch. */
export interface Rehearsed {
  scope: BranchScope
  database: Database
  databaseOn: (branch: string) => Promise<Database>
}

/** Runs what is pending on a branch that is thrown away, and reports what it did there. */
export async function rehearse(
  observer: Observer,
  target: Rehearsed,
  migrations: readonly Migration[],
  options: RehearseOptions,
): Promise<Rehearsal> {
  const source = await getBranch(target.scope, target.scope.path.branch_id)
  const top = await readTopQueries(target.database)
  const load = options.load === 'top' ? withoutParameters(top) : options.load
  const copy = { source, purpose: 'rehearsal', keep: options.keep }
  return onThrowawayBranch(observer, target.scope, copy, async (branch) => {
    observer.progress(`Rehearsing on branch ${branch.name}.`)
    const stage: Stage = {
      observer,
      database: await target.databaseOn(branch.id),
      files: [],
      windows: [],
      error: null,
      isCalledOff: false,
    }
    const tasks = await readTasks(stage.database, migrations, options.allowOutOfOrder)
    const before = await planQueries(stage.database, top)
    const run = async () => runTasks(stage, tasks, options.statementTimeoutMs)
    const stay = observer.onCancel(() => (stage.isCalledOff = true))
    const loaded =
      load &&
      (await underLoad(stage.database, load, options.loadConnections, run, () => stage.windows))
    if (!loaded) await run()
    stay()
    // What it failed for then says nothing about the migrations.
    if (stage.isCalledOff) throw new AdvisedError('The rehearsal was called off.')
    const { changes, compared } = await comparedPlans(stage, top, before)
    return {
      branch: branch.name,
      source: source.name,
      kept: options.keep,
      files: stage.files,
      plans: changes,
      plans_compared: compared,
      findings: relevant(lint(tasks.map(({ migration }) => migration)), stage.files),
      load: loaded?.report ?? null,
      error: stage.error,
    }
  })
}

interface Stage {
  observer: Observer
  database: Database
  files: FileReport[]
  windows: Window[]
  error: string | null
  isCalledOff: boolean
}

/** On the branch, which has the ledger that its parent has. */
async function readTasks(
  database: Database,
  migrations: readonly Migration[],
  allowOutOfOrder: boolean,
): Promise<Task[]> {
  return openSession(database, unlimited, async (session) => {
    const tools = await readToolHistory(session)
    const standings = compareWithLedger(migrations, await readLedger(session), tools)
    return planTasks(standings, allowOutOfOrder)
  })
}

const unlimited = migratingSession({ lockTimeoutMs: 0, statementTimeoutMs: 0 })

/** A statement that fails ends the rehearsal, and is part of what it has found. */
async function runTasks(
  stage: Stage,
  tasks: readonly Task[],
  statementTimeoutMs: number,
): Promise<void> {
  const settings = migratingSession({ lockTimeoutMs: 0, statementTimeoutMs })
  try {
    await openSession(stage.database, settings, async (session) =>
      sampleLocks(stage.database, session.pid, async (sampler) => {
        for (const task of tasks) await runFile(stage, session, sampler, task)
      }),
    )
  } catch (error) {
    if (!(error instanceof AdvisedError)) throw error
    stage.error = [error.message, error.advice].filter((part) => part !== undefined).join('\n')
  }
}

async function runFile(
  stage: Stage,
  session: Session,
  sampler: LockSampler,
  { migration, done, entry }: Task,
): Promise<void> {
  const startedMs = performance.now()
  const report: FileReport = {
    name: migration.name,
    transactional: migration.transactional,
    duration_ms: 0,
    statements: [],
  }
  stage.files.push(report)
  const original = await takeReading(session)
  const measured: Measured[] = []
  const one = async (statement: Statement) => {
    stage.observer.progress(`${migration.name}:${statement.line}: ${firstLineOf(statement)}`)
    const result = await measureAt(session, sampler, original, migration, statement)
    measured.push(result)
    report.statements.push(result.report)
  }
  const settle = () => {
    const endMs = performance.now()
    for (const { report: statement, startedMs: fromMs, settle: close } of measured.splice(0)) {
      close(endMs)
      stage.windows.push({
        place: `${migration.name}:${statement.line}`,
        startedMs: fromMs,
        endedMs: endMs,
      })
    }
    report.duration_ms = rounded(endMs - startedMs)
  }
  try {
    if (migration.transactional) {
      await inTransaction(session, async () => {
        for (const statement of migration.statements) await one(statement)
      })
    } else {
      for (const [at, statement] of migration.statements.entries()) {
        if (at < done) continue
        // As in an apply: what an interrupted one has built is not built again.
        const isThere = await clearLeftover(session, statement, stage.observer)
        if (isThere && at === done && entry) continue
        await (statement.transactional
          ? inTransaction(session, async () => one(statement))
          : one(statement))
        settle()
      }
    }
    await session.run('reset all')
    await session.run('reset role')
  } finally {
    settle()
  }
}

async function measureAt(
  session: Session,
  sampler: LockSampler,
  original: Awaited<ReturnType<typeof takeReading>>,
  migration: Migration,
  statement: Statement,
): Promise<Measured> {
  try {
    return await measure(session, sampler, original, statement)
  } catch (error) {
    throw failedAt(migration.name, statement, error)
  }
}

/** A failed rehearsal has no afterwards to compare with. */
async function comparedPlans(
  { database, error }: Stage,
  top: readonly RecordedQuery[],
  before: Awaited<ReturnType<typeof planQueries>>,
): Promise<ReturnType<typeof comparePlans>> {
  if (error !== null) return { changes: [], compared: 0 }
  return comparePlans(top, before, await planQueries(database, top))
}

/** Rules that suppose a rewrite or a scan, which the rehearsal has seen or not. */
const supposesRewrite = [
  'alter-column-type',
  'add-column-volatile-default',
  'add-column-serial',
  'add-column-stored',
]
const supposesScan = ['set-not-null', 'add-check']

/** Without those that the rehearsal has seen to be harmless, as a change of varchar(10) to text is. */
function relevant(findings: readonly Finding[], files: readonly FileReport[]): Finding[] {
  return findings.filter(({ file, line, rule }) => {
    const report = files.find(({ name }) => name === file)
    const statement = report?.statements.find((one) => one.line === line)
    if (!statement || !report?.transactional) return true
    if (supposesRewrite.includes(rule)) return statement.rewritten.length > 0
    if (supposesScan.includes(rule)) return statement.scanned.length > 0
    return true
  })
}
