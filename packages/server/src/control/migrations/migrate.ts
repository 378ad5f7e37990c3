import type {
  MergePlan,
  MigrationLedger,
  RouteInput,
  Routes,
  SqlFile,
  UndoAnswer,
  UndoPreview,
} from '@coppice/api'
import type { Client } from '@coppice/api/client'
import { presentRestorePoint, readApplied } from '@coppice/migrate/applied'
import { type ApplyAnswer, applyMigrations } from '@coppice/migrate/apply'
import { applyDefaults, restorePointDays } from '@coppice/migrate/apply-defaults'
import type { Database } from '@coppice/migrate/database'
import { branchToMergeInto, filesOf, originOf, refuseIfChanged } from '@coppice/migrate/merge/merge'
import { planMerge } from '@coppice/migrate/merge/plan-merge'
import {
  answerBy,
  lastName,
  type RenameQuestion,
  UnansweredRenamesError,
} from '@coppice/migrate/merge/renames'
import { describeName } from '@coppice/migrate/merge/schema-object'
import { inOrder, type Migration, parseMigration } from '@coppice/migrate/migration'
import type { Observer } from '@coppice/migrate/observer'
import { rehearse } from '@coppice/migrate/rehearse'
import { type BranchScope, getBranch } from '@coppice/migrate/scope'
import { previewUndo, undoMigrations } from '@coppice/migrate/undo'

import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import type { TimeTravel } from '../time-travel.ts'
import { branchDatabase } from './branch-database.ts'
import { type KeptRehearsalRow, keepRehearsal } from './rehearsals.ts'

/** What the engine works on: a database of a branch, with the rights of whoever asked. */
export interface Workplace {
  scope: BranchScope
  database: Database
  /** The same database on another branch. */
  databaseOn: (branch: string) => Promise<Database>
}

interface Asked {
  path: { project_id: string; branch_id: string }
  choice: { db_name: string; role_name?: string }
}

/** `client` decides what may be done to branches; what is done inside PostgreSQL its role decides. */
export function workplaceOf(
  context: Context,
  timeTravel: TimeTravel,
  client: Client,
  { path, choice }: Asked,
  signal: AbortSignal,
): Workplace {
  const databaseOn = (branch: string) =>
    branchDatabase(
      context,
      timeTravel,
      { projectId: path.project_id, branch, database: choice.db_name, role: choice.role_name },
      signal,
    )
  return {
    scope: { client, projectId: path.project_id, path },
    database: databaseOn(path.branch_id),
    databaseOn: async (branch) => databaseOn(branch),
  }
}

/** The files as they run. Rejects what cannot be parsed, and two of one name. */
export async function parseFiles(files: readonly SqlFile[]): Promise<Migration[]> {
  const located = files.map(({ name, sql }, at) => ({ name, sql, path: `file ${at + 1}` }))
  return Promise.all(inOrder(located).map(async ({ sql, ...file }) => parseMigration(file, sql)))
}

type MergeRequest = RouteInput<Routes['planSchemaMerge']>['body']

/** Derives what would make the schema of a branch that of another; changes nothing of the user's. */
export async function planSchemaMerge(
  { scope, database, databaseOn }: Workplace,
  request: MergeRequest,
  observer: Observer,
): Promise<MergePlan> {
  const branch = await getBranch(scope, scope.path.branch_id)
  const into = await branchToMergeInto(scope, branch, request.into_branch_id)
  if (into.id === branch.id) {
    throw new AppError('invalid_request', `both sides are branch ${branch.name}; name another one`)
  }
  const threeWay = branch.parent_id === into.id
  const plan: MergePlan = {
    branch_id: branch.id,
    into_branch_id: into.id,
    three_way: threeWay,
    questions: [],
    conflicts: [],
    alike: [],
    statements: [],
    remaining: [],
    files: [],
    schema_checksum: null,
  }
  const since = threeWay ? originOf(branch, into) : undefined
  const answers = answerBy({ renames: request.renames ?? [], drops: request.drops ?? [] })
  try {
    const sides = { database, into, moment: {}, since, databaseOn }
    const made = await planMerge(observer, scope, sides, answers)
    const { conflicts, alike, first, statements, remaining, checksum } = made
    return {
      ...plan,
      conflicts,
      alike,
      statements: [...first, ...statements],
      remaining,
      files: filesOf(branch, made),
      schema_checksum: checksum,
    }
  } catch (error) {
    if (!(error instanceof UnansweredRenamesError)) throw error
    return { ...plan, questions: error.questions.map((question) => presentQuestion(question)) }
  }
}

function presentQuestion({ dropped, candidates }: RenameQuestion): MergePlan['questions'][number] {
  return {
    kind: dropped.kind === 'table' ? 'table' : 'column',
    name: describeName(dropped.key),
    candidates: candidates.map((candidate) => lastName(candidate)),
  }
}

type RehearseRequest = RouteInput<Routes['rehearseMigrations']>['body']

/** Runs what is pending on a branch that is thrown away, and keeps the report. */
export async function rehearseFiles(
  context: Context,
  { scope, database, databaseOn }: Workplace,
  migrations: readonly Migration[],
  request: RehearseRequest,
  observer: Observer,
): Promise<KeptRehearsalRow> {
  const branch = await getBranch(scope, scope.path.branch_id)
  const target = { scope, database, databaseOn }
  const report = await rehearse(observer, target, migrations, {
    allowOutOfOrder: request.allow_out_of_order ?? false,
    keep: false,
    load: undefined,
    loadConnections: 1,
    statementTimeoutMs: request.statement_timeout_ms ?? 0,
  })
  const { name } = database
  return keepRehearsal(context, { projectId: scope.projectId, branch, database: name }, report)
}

type ApplyRequest = RouteInput<Routes['applyMigrations']>['body']

const restorePointLivesMs = restorePointDays * 86_400_000

/** Runs what is pending on the branch itself. */
export async function applyFiles(
  { scope, database }: Workplace,
  migrations: readonly Migration[],
  request: ApplyRequest,
  observer: Observer,
): Promise<ApplyAnswer> {
  if (request.schema_checksum !== undefined) {
    const { name } = await getBranch(scope, scope.path.branch_id)
    await refuseIfChanged(database, request.schema_checksum, name)
  }
  return applyMigrations(observer, scope, database, migrations, {
    max: request.retries ?? applyDefaults.max,
    lockTimeoutMs: request.lock_timeout_ms ?? applyDefaults.lockTimeoutMs,
    statementTimeoutMs: request.statement_timeout_ms ?? applyDefaults.statementTimeoutMs,
    allowOutOfOrder: request.allow_out_of_order ?? false,
    keepUntil: request.keep_until ?? new Date(Date.now() + restorePointLivesMs).toISOString(),
  })
}

/** What has been applied. Wakes the branch's compute. */
export async function listMigrations({ database }: Workplace): Promise<MigrationLedger> {
  return readApplied(database)
}

export async function previewMigrationsUndo({ scope, database }: Workplace): Promise<UndoPreview> {
  const { point, undone, lost, otherDatabases, preservedAs } = await previewUndo(scope, database)
  return {
    restore_point: presentRestorePoint(point),
    undone,
    lost,
    other_databases: otherDatabases,
    preserved_as: preservedAs,
  }
}

type UndoRequest = RouteInput<Routes['undoMigrations']>['body']

/** Goes back to the restore point that was previewed, and to no other. */
export async function undoLastApply(
  { scope, database }: Workplace,
  request: UndoRequest,
): Promise<UndoAnswer> {
  const preview = await previewUndo(scope, database, request.preserve_under_name)
  if (preview.point.id !== request.restore_point_id) {
    throw new AppError(
      'migration_failed',
      'something has been applied since; look again what undoing it would take away',
    )
  }
  return undoMigrations(scope, preview)
}
