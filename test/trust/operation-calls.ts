import { type TestPlatform, until } from '../platform.ts'
import { openOperations } from './whole.ts'

/** A branch's name, and of a project, that the calls below work on and make. */
const victimName = 'victim'

/** A call to the API, which a crash may cut off. */
export type Call = () => Promise<unknown>

/** For each operation, calls that run all of its steps. Each finds the platform as the one before left it. */
export function callsThatRun(platform: TestPlatform, action: string): Call[] {
  const { client, projectId } = platform
  const path = { project_id: projectId }
  const branch = { ...path, branch_id: victimName }
  switch (action) {
    case 'create_timeline':
      return [async () => client.createProject({ body: { project: { name: 'second' } } })]
    case 'create_branch':
    case 'start_compute':
      return [
        async () =>
          client.createProjectBranch({
            path,
            body: {
              branch: { name: 'made', parent_timestamp: new Date().toISOString() },
              endpoints: [{ type: 'read_write' }],
            },
          }),
        async () =>
          client.createProjectBranch({
            path,
            body: { branch: { name: 'made' }, endpoints: [{ type: 'read_write' }] },
          }),
      ]
    case 'apply_schema_from_branch':
      return [
        async () =>
          client.createProjectBranch({
            path,
            body: {
              branch: { name: 'made', init_source: 'schema-only' },
              endpoints: [{ type: 'read_write' }],
            },
          }),
        async () =>
          client.createProjectBranch({
            path,
            body: { branch: { name: 'made', init_source: 'schema-only' } },
          }),
      ]
    case 'import_data':
      return [
        async () => {
          const { branch: made } = await client.createProjectBranchAnonymized({
            path,
            body: {
              branch_create: { branch: { name: 'made' }, endpoints: [{ type: 'read_write' }] },
              start_anonymization: true,
            },
          })
          // It goes on in the background.
          const isOver = async (): Promise<boolean> => {
            const ofMade = { ...path, branch_id: made.id }
            const { state } = await client.getAnonymizedBranchStatus({ path: ofMade })
            return state === 'anonymized' || state === 'error'
          }
          await until(isOver, 'the branch is filled')
        },
      ]
    case 'delete_timeline':
      return [
        async () => client.deleteProjectBranch({ path: branch, query: {} }),
        async () => client.deleteProjectBranch({ path: branch, query: { hard_delete: true } }),
      ]
    case 'suspend_compute':
      return [
        async () => {
          const { endpoints } = await client.listProjectBranchEndpoints({ path: branch })
          const endpoint_id = endpoints[0]?.id ?? ''
          return client.suspendProjectEndpoint({ path: { ...path, endpoint_id } })
        },
      ]
    case 'apply_config':
      return [
        async () =>
          client.createProjectBranchRole({ path: branch, body: { role: { name: 'worker' } } }),
        async () =>
          client.createProjectBranchDatabase({
            path: branch,
            body: { database: { name: 'extra', owner_name: 'neondb_owner' } },
          }),
      ]
    case 'swap_binding_id':
      return [
        async () => client.resetProjectBranchToParent({ path: branch }),
        async () =>
          client.restoreProjectBranch({
            path: branch,
            body: {
              source_branch_id: victimName,
              source_timestamp: new Date().toISOString(),
              preserve_under_name: 'made',
            },
          }),
      ]
    case 'timeline_archive':
      return [
        async () =>
          client.updateProjectBranch({ path: branch, body: { branch: { archived: true } } }),
      ]
    case 'timeline_unarchive':
      return [
        async () => {
          await client.updateProjectBranch({ path: branch, body: { branch: { archived: true } } })
          await client.updateProjectBranch({ path: branch, body: { branch: { archived: false } } })
        },
      ]
    case 'timeline_mark_invisible':
      return [async () => client.createSnapshot({ path: branch, query: {} })]
    case 'detach_parent_branch':
      return [
        async () => {
          const { snapshot } = await client.createSnapshot({ path: branch, query: {} })
          return client.restoreSnapshot({
            path: { ...path, snapshot_id: snapshot.id },
            query: { name: 'made' },
            body: { finalize_restore: true },
          })
        },
      ]
    default:
      throw new Error(`no call is known that runs ${action}; add one here`)
  }
}

/** A branch for operations to work on, there whatever the crash before did. */
export async function makeVictim(platform: TestPlatform): Promise<void> {
  const { client, projectId } = platform
  const path = { project_id: projectId }
  await deleteBranches(platform)
  const { snapshots } = await client.listSnapshots({ path })
  for (const snapshot of snapshots) {
    await client.deleteSnapshot({ path: { ...path, snapshot_id: snapshot.id } })
  }
  const { projects } = await client.listProjects({ query: {} })
  for (const project of projects) {
    if (project.id === projectId) continue
    await client.deleteProject({ path: { project_id: project.id }, query: { hard_delete: true } })
  }
  await client.createProjectBranch({
    path,
    body: { branch: { name: victimName }, endpoints: [{ type: 'read_write' }] },
  })
  // What is still open would run into the failpoint.
  await until(
    async () => (await openOperations(platform, projectId)).length === 0,
    'the operations of the preparation have ended',
  )
}

/** All but the first: children before their parents, whatever has become of who is whose. */
async function deleteBranches({ client, projectId }: TestPlatform): Promise<void> {
  const path = { project_id: projectId }
  for (;;) {
    const { branches } = await client.listProjectBranches({ path, query: {} })
    const parents = new Set(branches.map(({ parent_id }) => parent_id))
    const leaves = branches.filter((branch) => !branch.default && !parents.has(branch.id))
    if (leaves.length === 0) return
    for (const { id } of leaves) {
      await client.deleteProjectBranch({
        path: { ...path, branch_id: id },
        query: { hard_delete: true },
      })
    }
  }
}
