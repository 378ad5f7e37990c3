import { randomBytes } from 'node:crypto'

import type { BranchAnonymizedCreate, MaskingRule } from '@coppice/api'

import { applyRules } from '../compute/masking/rules.ts'
import { readMaskableTables } from '../compute/masking/tables.ts'
import { AppError } from '../lib/errors.ts'
import { type CreatedBranch, planBranch, createBranchFrom } from './branches.ts'
import { syncCatalog } from './catalog-sync.ts'
import type { Context } from './context.ts'
import { atMoment } from './history/at-moment.ts'
import type { Moment } from './history/moments.ts'
import { branchNotFound, requireBranch } from './lookups.ts'
import { runInBackground } from './operations/runner.ts'
import * as store from './store/anonymized-branches.ts'
import type { AnonymizedBranchRow } from './store/anonymized-branches.ts'
import { type BranchRow, findAnyBranch } from './store/branches.ts'
import { listDatabases } from './store/databases.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'
import { transact } from './store/store.ts'

/**
 * Anonymized branches.
 *
 * One is a root: it begins with the schema of its source and no rows, and is filled by an operation of its
 * own (`operations/import-data.ts`) that makes a new line beside and exchanges it. So nothing of its
 * source is ever in its lines, its history begins with masked data, and its branches are ordinary ones.
 * Rejected: masking a clone by UPDATE, which leaves the originals in dead rows, freed pages, WAL and the
 * parent's past (docs/decisions/0024-masking.md).
 */
export async function createAnonymizedBranch(
  context: Context,
  projectId: string,
  request: BranchAnonymizedCreate,
): Promise<CreatedBranch> {
  const rules = request.masking_rules ?? []
  const { plan, moment } = await planBranch(context, projectId, {
    ...request.branch_create,
    annotation_value: {
      ...request.annotation_value,
      ...request.branch_create?.annotation_value,
      anonymized: 'true',
    },
  })
  await checkRules(context, plan.source, moment, rules)
  const { parent_timestamp, parent_lsn } = request.branch_create?.branch ?? {}
  const created = await createBranchFrom(context, {
    ...plan,
    branch: { ...plan.branch, parent_id: null, init_source: 'schema-only' },
    anonymization: {
      source_branch_id: plan.source.id,
      source_timestamp: parent_timestamp ?? null,
      source_lsn: parent_lsn ?? null,
      masking_rules: rules,
      key_sealed: context.secrets.seal(randomBytes(32).toString('hex')),
    },
  })
  if (request.start_anonymization !== true) return created
  const operation = await start(context, created.branch)
  return { ...created, operations: [...created.operations, operation] }
}

export async function getMaskingRules(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<MaskingRule[]> {
  const branch = await requireBranch(context, projectId, idOrName)
  return (await requireAnonymized(context, branch)).masking_rules
}

/** Replaces them; what the branch holds stays until it is anonymized again. */
export async function updateMaskingRules(
  context: Context,
  projectId: string,
  idOrName: string,
  rules: MaskingRule[],
): Promise<MaskingRule[]> {
  const branch = await requireBranch(context, projectId, idOrName)
  const row = await requireAnonymized(context, branch)
  await checkRules(context, await requireSource(context, branch, row), undefined, rules)
  await store.setMaskingRules(context.store, branch.id, rules)
  return rules
}

export async function anonymizedStatus(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<{ branch: BranchRow; row: AnonymizedBranchRow }> {
  const branch = await requireBranch(context, projectId, idOrName)
  return { branch, row: await requireAnonymized(context, branch) }
}

/** Fills the branch with what its source holds now, masked; its address and passwords stay. */
export async function startAnonymization(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<{ branch: BranchRow; row: AnonymizedBranchRow }> {
  const branch = await requireBranch(context, projectId, idOrName)
  await requireSource(context, branch, await requireAnonymized(context, branch))
  await start(context, branch)
  return { branch, row: await requireAnonymized(context, branch) }
}

/**
 * Refuses to give a branch with masked data, or one that was made of it, data of any other: who was given
 * its address was not given that. Rejects with AppError `not_available`.
 */
export async function refuseUnmasking(
  context: Context,
  branch: BranchRow,
  source: BranchRow,
): Promise<void> {
  const origin = await store.findAnonymizedOrigin(context.store, branch.id)
  if (origin === undefined) return
  if ((await store.findAnonymizedOrigin(context.store, source.id)) === origin) return
  throw new AppError(
    'not_available',
    `branch ${branch.name} holds masked data and cannot be given that of ${source.name}; ` +
      'to mask anew what its source holds now, use `coppice masking refresh`',
  )
}

async function start(context: Context, branch: BranchRow): Promise<OperationRow> {
  const operation = await transact(context.store, async (sql) => {
    if (!(await store.beginRun(sql, branch.id))) {
      throw new AppError(
        'branch_not_ready',
        `branch ${branch.name} is being anonymized; \`coppice masking status\` says how far it is`,
      )
    }
    return insertOperation(sql, {
      project_id: branch.project_id,
      branch_id: branch.id,
      action: 'import_data',
    })
  })
  runInBackground(context, operation)
  return operation
}

async function requireAnonymized(
  context: Context,
  branch: BranchRow,
): Promise<AnonymizedBranchRow> {
  const row = await store.findAnonymizedBranch(context.store, branch.id)
  if (row !== undefined) return row
  throw new AppError(
    'branch_not_anonymized',
    `branch ${branch.name} is not anonymized; make one with \`coppice branches create --mask <file>\``,
  )
}

async function requireSource(
  context: Context,
  branch: BranchRow,
  row: AnonymizedBranchRow,
): Promise<BranchRow> {
  const source = await findAnyBranch(context.store, row.source_branch_id)
  if (source !== undefined && source.deleted_at === null) return source
  throw branchNotFound(
    `${source?.name ?? row.source_branch_id}, which ${branch.name} is made from,`,
  )
}

/** By what the catalogs of the source say: no expression is run, and nothing is written. */
async function checkRules(
  context: Context,
  source: BranchRow,
  moment: Moment | undefined,
  rules: readonly MaskingRule[],
): Promise<void> {
  const wanted = new Set(rules.map((rule) => rule.database_name))
  if (wanted.size === 0) return
  // SQL may have made one since.
  await syncCatalog(context, source.id)
  const known = (await listDatabases(context.store, source.id)).map(({ name }) => name)
  for (const database of wanted) {
    if (known.includes(database)) continue
    throw new AppError(
      'invalid_request',
      `masking rules are for database ${database}, and branch ${source.name} has ${known.join(', ')}`,
    )
  }
  await atMoment(context, source, moment, async (cluster) => {
    for (const database of wanted) {
      const own = rules.filter((rule) => rule.database_name === database)
      applyRules(own, await cluster.withSuperuser(database, readMaskableTables))
    }
  })
}
