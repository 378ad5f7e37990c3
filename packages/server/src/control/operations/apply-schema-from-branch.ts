import { readCatalog } from '../../compute/catalog.ts'
import { copyEmptyDatabases } from '../../compute/copy-databases.ts'
import { copyRoles, type VerifierOf } from '../../compute/copy-roles.ts'
import { copySettings } from '../../compute/copy-settings.ts'
import type { ClusterCatalog } from '../../compute/spec.ts'
import { type Cluster, platformDatabase } from '../../compute/superuser.ts'
import { writeSchemas } from '../../compute/write-schema.ts'
import { must } from '../../lib/assert.ts'
import type { Context } from '../context.ts'
import { atMoment } from '../history/at-moment.ts'
import { takeFirstSnapshot } from '../history/line-snapshots.ts'
import { momentOf } from '../history/moments.ts'
import { recordCatalog } from '../history/record-catalog.ts'
import { replay } from '../history/replay.ts'
import { branchNotFound } from '../lookups.ts'
import { ownVerifiers } from '../own-verifiers.ts'
import { putBranchComputes } from '../put-compute.ts'
import { findAnonymizedBranch } from '../store/anonymized-branches.ts'
import { type BranchRow, findAnyBranch, markBranchReady } from '../store/branches.ts'
import type { OperationRow } from '../store/operations.ts'
import { findAnyProject, type ProjectRow } from '../store/projects.ts'
import { ensureTemplate } from '../templates.ts'
import { purgeBranch } from './branch-volume.ts'
import type { OperationKind } from './operation.ts'

/**
 * A schema-only branch: a new cluster with another branch's roles, databases and schemas, now or at a
 * moment, and no rows. It has no parent. It is filled before it has a compute, whether it gets one or not.
 */
export const applySchemaFromBranch: OperationKind = {
  onCrash: 'undo',
  steps: [
    { name: 'clone', run: clone },
    { name: 'apply', run: apply },
    { name: 'publish', run: publish },
  ],
  undo: async (context, operation) => {
    const branch = await findAnyBranch(context.store, must(operation.branch_id, 'names a branch'))
    if (branch !== undefined && branch.ready_at === null) await purgeBranch(context, branch)
  },
}

async function clone(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project } = await read(context, operation)
  if (await context.volumes.exists(branch.volume_id)) return
  const template = await ensureTemplate(context, project.pg_version)
  await context.volumes.clone(template, branch.volume_id)
}

async function apply(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project, source } = await read(context, operation)
  const options = { volumeId: branch.volume_id, pgVersion: project.pg_version, pgSettings: {} }
  const isMasked = (await findAnonymizedBranch(context.store, branch.id)) !== undefined
  const verifierOf = isMasked ? await ownVerifiers(context, branch) : undefined
  const catalog = await atMoment(context, source, momentOf(operation), async (from) =>
    replay(context, options, async (to) => copySchema(from, to, verifierOf)),
  )
  await recordCatalog(context, { branch, source, past: catalog })
  await putBranchComputes(context, branch.id, { catalog })
}

async function copySchema(
  from: Cluster,
  to: Cluster,
  verifierOf: VerifierOf | undefined,
): Promise<ClusterCatalog> {
  await copyRoles(from, to, verifierOf)
  await writeSchemas(from, to, await copyEmptyDatabases(from, to))
  // At the end, since they would hold for what is done there.
  await copySettings(from, to)
  return to.withSuperuser(platformDatabase, readCatalog)
}

/** Its history begins with its schema: nothing of how that was made has been kept. */
async function publish(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project } = await read(context, operation)
  if (project.history_retention_seconds > 0) await takeFirstSnapshot(context, branch.volume_id)
  await markBranchReady(context.store, branch.id)
}

async function read(
  context: Context,
  operation: OperationRow,
): Promise<{ branch: BranchRow; project: ProjectRow; source: BranchRow }> {
  const id = must(operation.branch_id, 'apply_schema_from_branch names a branch')
  const project = await findAnyProject(context.store, operation.project_id)
  const sourceId = String(operation.input['source_branch_id'])
  const source = await findAnyBranch(context.store, sourceId)
  if (source === undefined || source.deleted_at !== null) {
    throw branchNotFound(source?.name ?? sourceId)
  }
  return {
    branch: must(await findAnyBranch(context.store, id), 'the branch being made has a row'),
    project: must(project, 'the project of the branch has a row'),
    source,
  }
}
