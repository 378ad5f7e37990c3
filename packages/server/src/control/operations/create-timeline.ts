import { bootstrapCluster } from '../../compute/bootstrap.ts'
import { must } from '../../lib/assert.ts'
import { createVerifier } from '../../lib/scram.ts'
import type { Context } from '../context.ts'
import { takeFirstSnapshot } from '../history/line-snapshots.ts'
import { putBranchComputes } from '../put-compute.ts'
import { type BranchRow, findAnyBranch, markBranchReady } from '../store/branches.ts'
import { putDatabase } from '../store/databases.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import type { OperationRow } from '../store/operations.ts'
import {
  findAnyProject,
  markProjectReady,
  type ProjectRow,
  removeProject,
} from '../store/projects.ts'
import { putRole } from '../store/roles.ts'
import { transact } from '../store/store.ts'
import { ensureTemplate } from '../templates.ts'
import { purgeBranch } from './branch-volume.ts'
import type { OperationKind } from './operation.ts'

/** What the row tells: names, and the owner's password sealed with the platform's key, base64. */
export interface CreateTimelineInput {
  role_name: string
  database_name: string
  password_sealed: string
}

/** A project's root branch: a clone of the template of its PostgreSQL version, with a role and a database. */
export const createTimeline: OperationKind = {
  onCrash: 'undo',
  steps: [
    { name: 'clone', run: clone },
    { name: 'configure', run: configure },
    { name: 'publish', run: publish },
  ],
  undo: async (context, operation) => {
    const project = await findAnyProject(context.store, operation.project_id)
    if (project === undefined || project.ready_at !== null) return
    const branch = await findAnyBranch(context.store, must(operation.branch_id, 'names a branch'))
    if (branch !== undefined) await purgeBranch(context, branch)
    await removeProject(context.store, project.id)
  },
}

async function clone(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project } = await read(context, operation)
  if (!(await context.volumes.exists(branch.volume_id))) {
    const template = await ensureTemplate(context, project.pg_version)
    await context.volumes.clone(template, branch.volume_id)
    if (project.history_retention_seconds > 0) await takeFirstSnapshot(context, branch.volume_id)
  }
  await putBranchComputes(context, branch.id)
}

async function configure(context: Context, operation: OperationRow): Promise<void> {
  const [endpoint] = await listBranchEndpoints(
    context.store,
    must(operation.branch_id, 'names a branch'),
  )
  const compute = must(
    context.host.get(must(endpoint, 'a root branch has an endpoint').id),
    'the endpoint is on the host',
  )
  const { roleName, databaseName, password } = input(context, operation)
  await bootstrapCluster(compute, {
    role: roleName,
    database: databaseName,
    verifier: await createVerifier(password),
    replication: compute.spec.logicalReplication,
  })
}

async function publish(context: Context, operation: OperationRow): Promise<void> {
  const { branch, project } = await read(context, operation)
  const { roleName, databaseName, passwordSealed } = input(context, operation)
  await transact(context.store, async (sql) => {
    await putRole(sql, {
      branch_id: branch.id,
      name: roleName,
      password_sealed: project.store_passwords ? passwordSealed : null,
      can_login: true,
    })
    await putDatabase(sql, { branch_id: branch.id, name: databaseName, owner_name: roleName })
    await markBranchReady(sql, branch.id)
    await markProjectReady(sql, project.id)
  })
}

function input(
  context: Context,
  operation: OperationRow,
): { roleName: string; databaseName: string; password: string; passwordSealed: Buffer } {
  const { role_name, database_name, password_sealed } = operation.input
  const passwordSealed = Buffer.from(String(password_sealed), 'base64')
  return {
    roleName: String(role_name),
    databaseName: String(database_name),
    password: context.secrets.open(passwordSealed),
    passwordSealed,
  }
}

async function read(
  context: Context,
  operation: OperationRow,
): Promise<{ branch: BranchRow; project: ProjectRow }> {
  const id = must(operation.branch_id, 'create_timeline names a branch')
  return {
    branch: must(await findAnyBranch(context.store, id), 'the branch being made has a row'),
    project: must(
      await findAnyProject(context.store, operation.project_id),
      'the project being made has a row',
    ),
  }
}
