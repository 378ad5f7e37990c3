import type { Compute } from '../../compute/compute.ts'
import { copyEmptyDatabases } from '../../compute/copy-databases.ts'
import { copyRoles } from '../../compute/copy-roles.ts'
import { copySettings } from '../../compute/copy-settings.ts'
import { writeSchemas } from '../../compute/write-schema.ts'
import { must } from '../../lib/assert.ts'
import { readMoment, withMomentOf } from '../at-moment.ts'
import type { Context } from '../context.ts'
import { branchNotFound } from '../lookups.ts'
import { putCompute, removeCompute } from '../put-compute.ts'
import { type BranchRow, findAnyBranch, markBranchReady } from '../store/branches.ts'
import { copyDatabases, syncDatabases } from '../store/databases.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import type { OperationRow } from '../store/operations.ts'
import { findAnyProject, type ProjectRow } from '../store/projects.ts'
import * as roleRows from '../store/roles.ts'
import { ensureTemplate } from '../templates.ts'
import { volumeDataDirectory } from '../volumes.ts'
import { purgeBranch } from './branch-volume.ts'
import type { OperationKind } from './operation.ts'

/** What the row tells. */
export interface ApplySchemaInput {
  source_branch_id: string
  lsn?: string
  timestamp?: string
}

/**
 * A schema-only branch: a new cluster with another branch's roles, databases and schemas, and no rows.
 * It has no parent from then on.
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
    if (branch === undefined || branch.ready_at !== null) return
    await removeCompute(context, branch.id)
    await purgeBranch(context, branch)
  },
}

async function clone(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project } = await read(context, operation)
  if (!(await context.volumes.exists(branch.volume_id))) {
    const template = await ensureTemplate(context, project.pg_version)
    await context.volumes.clone(template, branch.volume_id)
  }
  for (const endpoint of await listBranchEndpoints(context.store, branch.id)) {
    await putCompute(context, endpoint.id)
  }
}

async function apply(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project } = await read(context, operation)
  const input = operation.input as unknown as ApplySchemaInput
  const source = await findAnyBranch(context.store, input.source_branch_id)
  if (source === undefined || source.deleted_at !== null) {
    throw branchNotFound(source?.name ?? input.source_branch_id)
  }
  const target = await computeOf(context, branch, project)
  await withMomentOf(context, source, readMoment(input), async (from) => {
    await copyRoles(from, target)
    const databases = await copyEmptyDatabases(from, target)
    await writeSchemas(from, target, databases)
    // At the end, since they would hold for what is done there.
    await copySettings(from, target)
  })
}

async function publish(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project } = await read(context, operation)
  const { source_branch_id } = operation.input as unknown as ApplySchemaInput
  const compute = await computeOf(context, branch, project)
  const catalog = await compute.withSuperuser('postgres', async () => compute.catalog())
  // Only then: an endpoint that is added as soon as the branch is there has the directory for itself.
  if (compute.spec.endpointId === branch.id) {
    await compute.suspend({ force: true })
    await removeCompute(context, branch.id)
  }
  await context.store.begin(async (sql) => {
    await roleRows.copyRoles(sql, source_branch_id, branch.id)
    await copyDatabases(sql, source_branch_id, branch.id)
    await roleRows.syncRoles(sql, branch.id, catalog.roles)
    await syncDatabases(sql, branch.id, catalog.databases)
    await markBranchReady(sql, branch.id)
  })
}

/**
 * The compute of the branch, or where it is to have none one under the branch's own id, which is there
 * while the branch is made.
 */
async function computeOf(
  context: Context,
  branch: BranchRow,
  project: ProjectRow,
): Promise<Compute> {
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const endpoint = endpoints.find((one) => one.type === 'read_write' && !one.disabled)
  if (endpoint !== undefined) {
    return must(context.host.get(endpoint.id), 'the endpoint is on the host')
  }
  return context.host.put({
    endpointId: branch.id,
    dataDirectory: volumeDataDirectory(context.volumes, branch.volume_id),
    pgVersion: project.pg_version,
    minComputeUnits: 1,
    maxComputeUnits: 1,
    pgSettings: project.default_endpoint_settings.pg_settings ?? {},
    suspendTimeoutSeconds: -1,
    disabled: false,
    allowedIps: [],
    poolerSettings: {},
    logicalReplication: project.settings.enable_logical_replication === true,
    labels: { project_id: project.id, branch_id: branch.id, branch_name: branch.name },
  })
}

async function read(
  context: Context,
  operation: OperationRow,
): Promise<{ branch: BranchRow; project: ProjectRow }> {
  const id = must(operation.branch_id, 'apply_schema_from_branch names a branch')
  const project = await findAnyProject(context.store, operation.project_id)
  return {
    branch: must(await findAnyBranch(context.store, id), 'the branch being made has a row'),
    project: must(project, 'the project of the branch has a row'),
  }
}
