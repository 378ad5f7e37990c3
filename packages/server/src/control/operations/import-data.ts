import type { VerifierOf } from '../../compute/copy-roles.ts'
import { copyMasked } from '../../compute/masking/copy-masked.ts'
import { must } from '../../lib/assert.ts'
import { AppError } from '../../lib/errors.ts'
import { newBranchId } from '../../lib/ids.ts'
import { wakeBranchComputes } from '../branch-compute.ts'
import { syncCatalog } from '../catalog-sync.ts'
import type { Context } from '../context.ts'
import { removeLine, takeFirstSnapshot } from '../history/line-snapshots.ts'
import { readMoment } from '../history/moments.ts'
import { onPrivateClone } from '../history/private-clone.ts'
import { endReplay, replay } from '../history/replay.ts'
import { holdLiveBranch, requireProject, requireRemaining } from '../lookups.ts'
import { ownVerifiers } from '../own-verifiers.ts'
import { purgeIfDeleted } from '../purge.ts'
import { areComputesPut } from '../put-compute.ts'
import * as anonymized from '../store/anonymized-branches.ts'
import { type BranchRow, exchangeLine, findBranchOfLine } from '../store/branches.ts'
import { addOperationInput, findOperation, type OperationRow } from '../store/operations.ts'
import { transact } from '../store/store.ts'
import { ensureTemplate } from '../templates.ts'
import { exchangeWhileStopped } from '../while-stopped.ts'
import type { OperationKind } from './operation.ts'

/**
 * An anonymized branch is filled: with what its source holds now, masked. A new line is made beside, by
 * queries on a private clone of the source; then, while the branch's computes cannot be woken, it takes
 * the place of the line that was there, which is purged at once. Hosts and passwords stay, and so do the
 * branches that were made of it. Until the exchange everything can be undone, from then on it is finished.
 */
export const importData: OperationKind = {
  onCrash: async (context, operation) =>
    (await isExchanged(context, operation)) ? 'finish' : 'undo',
  steps: [
    { name: 'mask', run: mask },
    { name: 'exchange', run: exchange },
    { name: 'start', run: start },
  ],
  mustFinish: async (context, operation) =>
    (await isExchanged(context, operation)) &&
    !(await areComputesPut(context, branchIdOf(operation))),
  undo: async (context, operation) => {
    const id = branchIdOf(operation)
    // It holds what was asked for, whatever kept its computes from starting.
    if (await isExchanged(context, operation)) return anonymized.endRun(context.store, id)
    const line = await readLine(context, operation)
    if (line !== undefined) {
      await endReplay(context, line)
      await removeLine(context, line)
      await context.volumes.destroy(line)
    }
    await anonymized.endRun(context.store, id, 'the anonymization was interrupted; start it again')
  },
}

const branchIdOf = (operation: OperationRow): string =>
  must(operation.branch_id, 'import_data names a branch')

/** The line that is made; undefined before there is one. */
async function readLine(context: Context, operation: OperationRow): Promise<string | undefined> {
  const row = await findOperation(context.store, operation.project_id, operation.id)
  const line = row?.input['volume_id']
  return typeof line === 'string' ? line : undefined
}

async function isExchanged(context: Context, operation: OperationRow): Promise<boolean> {
  const line = await readLine(context, operation)
  return line !== undefined && (await findBranchOfLine(context.store, line)) !== undefined
}

async function mask(context: Context, operation: OperationRow): Promise<void> {
  if (await isExchanged(context, operation)) return
  const branch = await readBranch(context, operation)
  const line = newBranchId()
  await addOperationInput(context.store, operation.id, { volume_id: line })
  try {
    await makeLine(context, branch, line)
  } catch (error) {
    const message = error instanceof AppError ? error.message : 'internal error'
    await anonymized.endRun(context.store, branch.id, message)
    throw error
  }
}

async function makeLine(context: Context, branch: BranchRow, line: string): Promise<void> {
  const row = must(await anonymized.findAnonymizedBranch(context.store, branch.id), 'is anonymized')
  const project = await requireProject(context, branch.project_id)
  const source = await requireRemaining(context, row.source_branch_id)
  const moment = readMoment({
    timestamp: row.source_timestamp ?? undefined,
    lsn: row.source_lsn ?? undefined,
  })
  const verifierOf: VerifierOf = await ownVerifiers(context, branch)
  const options = { volumeId: line, pgVersion: project.pg_version, pgSettings: {} }
  const { maskedColumns, unfilled } = await onPrivateClone(
    context,
    source,
    moment,
    async (from) => {
      await context.volumes.clone(await ensureTemplate(context, project.pg_version), line)
      return replay(context, options, async (to) =>
        copyMasked(from, to, {
          rules: row.masking_rules,
          key: context.secrets.open(row.key_sealed),
          verifierOf,
          onTable: async ({ database, table, at, of }) =>
            anonymized.reportRun(
              context.store,
              branch.id,
              `Anonymizing table ${database}.${table} (${at}/${of})`,
            ),
        }),
      )
    },
  )
  if (project.history_retention_seconds > 0) await takeFirstSnapshot(context, line)
  await anonymized.recordMasked(context.store, branch.id, {
    columns: maskedColumns,
    message:
      unfilled.length === 0
        ? null
        : `Materialized views that could not be refreshed, and have no rows: ${unfilled.join(', ')}`,
  })
}

async function exchange(context: Context, operation: OperationRow): Promise<void> {
  const branch = await readBranch(context, operation)
  const line = must(await readLine(context, operation), 'the step before has named the line')
  await exchangeWhileStopped(context, [branch.id], async () => {
    if (await isExchanged(context, operation)) return
    await transact(context.store, async (sql) => {
      await holdLiveBranch(sql, branch)
      await exchangeLine(sql, {
        branch,
        line,
        origin: undefined,
        parentId: null,
        backup: {
          id: oldId(line),
          name: `${branch.name} before ${line}`,
          deletedUntil: new Date(),
        },
        keepsChildren: true,
      })
    })
  })
}

/** What it was before is removed at once, since other rules may have masked less. */
async function start(context: Context, operation: OperationRow): Promise<void> {
  const branch = await readBranch(context, operation)
  await wakeBranchComputes(context, branch.id)
  await syncCatalog(context, branch.id)
  const line = must(await readLine(context, operation), 'the first step has named the line')
  await purgeIfDeleted(context, oldId(line))
  await anonymized.endRun(context.store, branch.id)
}

/** Of the branch that the line of before becomes. */
const oldId = (line: string): string => `${line}-old`

async function readBranch(context: Context, operation: OperationRow): Promise<BranchRow> {
  return requireRemaining(context, branchIdOf(operation))
}
