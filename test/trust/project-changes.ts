import assert from 'node:assert/strict'

import { psql } from '../platform.ts'
import type { Mark, ModelBranch, ProjectModel } from './project-model.ts'

/** More would make the machine slow and the run no better. */
const mostBranches = 6

/** A change of a project through the API, and of its model. Undefined where there is nothing to change. */
type Change = (project: ProjectModel) => (() => Promise<void>) | undefined

const withReadWrite = [{ type: 'read_write' as const }]

/** Runs work on a branch while none of ours writes to it: its data is about to be other data. */
async function whileQuiet(
  project: ProjectModel,
  branch: ModelBranch,
  work: () => Promise<void>,
): Promise<void> {
  const wasBusy = branch.teller !== undefined
  await project.stopTeller(branch)
  await work()
  if (wasBusy) project.startTeller(branch)
}

async function giveCompute(project: ProjectModel, branch: ModelBranch): Promise<void> {
  const { endpoint } = await project.client.createProjectEndpoint({
    path: project.path,
    body: { endpoint: { branch_id: branch.id, type: 'read_write' } },
  })
  branch.endpointId = endpoint.id
  await project.learnUri(branch)
}

const describe = ({ at, databases }: Mark): string =>
  `${at.toISOString()} with ${databases.join(' and ') || 'no database'}`

const room = ({ branches }: ProjectModel): boolean => branches.length < mostBranches

function branchFromHead(project: ProjectModel): (() => Promise<void>) | undefined {
  if (!room(project)) return undefined
  const source = project.random.pick(project.branches)
  const name = project.nextName('head')
  return async () => {
    project.note(`${name} of ${source.name}`)
    const settle = project.contentsOf(source)
    const made = await project.client.createProjectBranch({
      path: project.path,
      body: { branch: { name, parent_id: source.id }, endpoints: withReadWrite },
    })
    await project.verify(await project.add(made, settle()))
  }
}

function branchFromPast(project: ProjectModel): (() => Promise<void>) | undefined {
  const sources = project.branches.filter(({ marks }) => marks.length > 0)
  if (!room(project) || sources.length === 0) return undefined
  const source = project.random.pick(sources)
  const mark = project.random.pick(source.marks)
  const name = project.nextName('past')
  return async () => {
    project.note(`${name} of ${source.name} at ${describe(mark)}`)
    const made = await project.client.createProjectBranch({
      path: project.path,
      body: {
        branch: { name, parent_id: source.id, parent_timestamp: mark.at.toISOString() },
        endpoints: withReadWrite,
      },
    })
    await project.verify(await project.add(made, mark))
  }
}

function reset(project: ProjectModel): (() => Promise<void>) | undefined {
  return async () => {
    const leaves = (await project.leaves()).filter(({ endpointId }) => endpointId !== undefined)
    if (leaves.length === 0) return
    const branch = project.random.pick(leaves)
    const path = project.branchPath(branch)
    const { parent_id } = (await project.client.getProjectBranch({ path })).branch
    const parent = project.branches.find(({ id }) => id === parent_id)
    if (parent === undefined) return
    project.note(`${branch.name} to ${parent.name}`)
    await whileQuiet(project, branch, async () => {
      const settle = project.contentsOf(parent)
      await project.client.resetProjectBranchToParent({ path })
      project.replace(branch, settle())
      await project.verify(branch)
    })
  }
}

function restore(project: ProjectModel): (() => Promise<void>) | undefined {
  const candidates = project.awakeable.filter(({ marks }) => marks.length > 0)
  if (!room(project) || candidates.length === 0) return undefined
  const branch = project.random.pick(candidates)
  const mark = project.random.pick(branch.marks)
  const preserve_under_name = project.nextName('before')
  return async () =>
    whileQuiet(project, branch, async () => {
      const before = project.contentsOf(branch)()
      project.note(`${branch.name} to ${describe(mark)}, kept as ${preserve_under_name}`)
      await project.client.restoreProjectBranch({
        path: project.branchPath(branch),
        body: {
          source_branch_id: branch.id,
          source_timestamp: mark.at.toISOString(),
          preserve_under_name,
        },
      })
      project.replace(branch, mark)
      const { branches } = await project.client.listProjectBranches({
        path: project.path,
        query: { search: preserve_under_name },
      })
      const [backup] = branches
      assert(backup !== undefined, 'what was before a restore is a branch')
      await project.add({ branch: backup, endpoints: [] }, before)
      await project.verify(branch)
    })
}

function remove(project: ProjectModel): (() => Promise<void>) | undefined {
  const isHard = project.random.below(2) === 0
  return async () => {
    const leaves = await project.leaves()
    if (leaves.length === 0) return
    const branch = project.random.pick(leaves)
    project.note(branch.name)
    await project.stopTeller(branch)
    await project.client.deleteProjectBranch({
      path: project.branchPath(branch),
      query: isHard ? { hard_delete: true } : {},
    })
    project.branches.splice(project.branches.indexOf(branch), 1)
    if (!isHard) project.deleted.push(branch)
  }
}

function bringBack(project: ProjectModel): (() => Promise<void>) | undefined {
  if (!room(project) || project.deleted.length === 0) return undefined
  const branch = project.random.pick(project.deleted)
  return async () => {
    project.note(branch.name)
    const path = project.branchPath(branch)
    const { endpoints } = await project.client.recoverProjectBranch({ path })
    project.deleted.splice(project.deleted.indexOf(branch), 1)
    project.branches.push(branch)
    branch.endpointId = endpoints.find(({ type }) => type === 'read_write')?.id
    await project.learnUri(branch)
    if (branch.endpointId !== undefined) await project.verify(branch)
  }
}

function keepSnapshot(project: ProjectModel): (() => Promise<void>) | undefined {
  if (project.snapshots.length >= 3) return undefined
  const branch = project.random.pick(project.branches)
  return async () => {
    project.note(branch.name)
    const settle = project.contentsOf(branch)
    const path = project.branchPath(branch)
    const { snapshot } = await project.client.createSnapshot({ path, query: {} })
    project.snapshots.push({ id: snapshot.id, ...settle() })
  }
}

function restoreSnapshot(project: ProjectModel): (() => Promise<void>) | undefined {
  if (!room(project) || project.snapshots.length === 0) return undefined
  const snapshot = project.random.pick(project.snapshots)
  const name = project.nextName('snapshot')
  return async () => {
    project.note(`${snapshot.id} as ${name}`)
    const path = { ...project.path, snapshot_id: snapshot.id }
    const { branch } = await project.client.restoreSnapshot({
      path,
      query: { name },
      body: { finalize_restore: false },
    })
    const { endpoints } = await project.client.listProjectBranchEndpoints({
      path: { ...project.path, branch_id: branch.id },
    })
    await project.verify(await project.add({ branch, endpoints }, snapshot))
  }
}

function dropSnapshot(project: ProjectModel): (() => Promise<void>) | undefined {
  if (project.snapshots.length === 0) return undefined
  const snapshot = project.random.pick(project.snapshots)
  return async () => {
    const path = { ...project.path, snapshot_id: snapshot.id }
    await project.client.deleteSnapshot({ path })
    project.snapshots.splice(project.snapshots.indexOf(snapshot), 1)
  }
}

function addRole(project: ProjectModel): (() => Promise<void>) | undefined {
  const branch = project.random.pick(project.awakeable)
  const name = project.nextName('role')
  return async () => {
    project.note(`${name} in ${branch.name}`)
    const path = project.branchPath(branch)
    const { role } = await project.client.createProjectBranchRole({
      path,
      body: { role: { name } },
    })
    branch.roles.push(name)
    const uri = new URL(branch.uri)
    uri.username = name
    uri.password = role.password ?? ''
    assert.equal(await psql(uri.toString(), 'SELECT current_user'), name)
  }
}

function dropRole(project: ProjectModel): (() => Promise<void>) | undefined {
  const branch = project.random.pick(project.awakeable)
  const role_name = branch.roles.at(-1)
  if (role_name === undefined) return undefined
  return async () => {
    project.note(`${role_name} in ${branch.name}`)
    const path = { ...project.branchPath(branch), role_name }
    await project.client.deleteProjectBranchRole({ path })
    branch.roles.pop()
  }
}

function addDatabase(project: ProjectModel): (() => Promise<void>) | undefined {
  const branch = project.random.pick(project.awakeable)
  if (branch.databases.length >= 2) return undefined
  const name = project.nextName('database')
  return async () => {
    project.note(`${name} in ${branch.name}`)
    await project.client.createProjectBranchDatabase({
      path: project.branchPath(branch),
      body: { database: { name, owner_name: 'neondb_owner' } },
    })
    branch.databases.push(name)
    const uri = new URL(branch.uri)
    uri.pathname = `/${name}`
    assert.equal(await psql(uri.toString(), 'SELECT current_database()'), name)
  }
}

function dropDatabase(project: ProjectModel): (() => Promise<void>) | undefined {
  const branch = project.random.pick(project.awakeable)
  const database_name = branch.databases.at(-1)
  if (database_name === undefined) return undefined
  return async () => {
    project.note(`${database_name} in ${branch.name}`)
    const path = { ...project.branchPath(branch), database_name }
    await project.client.deleteProjectBranchDatabase({ path })
    branch.databases.pop()
  }
}

/** What was before a restore is looked at. */
function addCompute(project: ProjectModel): (() => Promise<void>) | undefined {
  const without = project.branches.filter(({ endpointId }) => endpointId === undefined)
  if (without.length === 0) return undefined
  const branch = project.random.pick(without)
  return async () => {
    await giveCompute(project, branch)
    await project.verify(branch)
  }
}

function suspend(project: ProjectModel): (() => Promise<void>) | undefined {
  const { endpointId } = project.random.pick(project.awakeable)
  if (endpointId === undefined) return undefined
  return async () => {
    const path = { ...project.path, endpoint_id: endpointId }
    await project.client.suspendProjectEndpoint({ path })
  }
}

function archive(project: ProjectModel): (() => Promise<void>) | undefined {
  return async () => {
    const leaves = (await project.leaves()).filter(({ endpointId }) => endpointId !== undefined)
    if (leaves.length === 0) return
    const branch = project.random.pick(leaves)
    project.note(branch.name)
    const path = project.branchPath(branch)
    await whileQuiet(project, branch, async () => {
      await project.client.updateProjectBranch({ path, body: { branch: { archived: true } } })
      // A connection brings it back.
      await project.verify(branch)
    })
  }
}

function rename(project: ProjectModel): (() => Promise<void>) | undefined {
  const branch = project.random.pick(project.branches)
  const name = project.nextName('renamed')
  return async () => {
    project.note(`${branch.name} to ${name}`)
    const path = project.branchPath(branch)
    await project.client.updateProjectBranch({ path, body: { branch: { name } } })
    branch.name = name
  }
}

/** Somebody begins to write, or stops. */
function write(project: ProjectModel): (() => Promise<void>) | undefined {
  const branch = project.random.pick(project.awakeable)
  return async () => {
    if (branch.teller !== undefined) await project.stopTeller(branch)
    else if (project.branches.filter(({ teller }) => teller !== undefined).length < 2) {
      project.startTeller(branch)
    }
  }
}

function mark(project: ProjectModel): (() => Promise<void>) | undefined {
  const branch = project.random.pick(project.branches)
  return async () => {
    await project.mark(branch)
    const made = branch.marks.at(-1)
    if (made) project.note(`${branch.name} at ${describe(made)}`)
  }
}

/** Each by its name in the trace, more than once where it should come more often. */
export const changes: readonly [string, Change][] = [
  ['branch from head', branchFromHead],
  ['branch from head', branchFromHead],
  ['branch from the past', branchFromPast],
  ['branch from the past', branchFromPast],
  ['reset', reset],
  ['restore', restore],
  ['delete', remove],
  ['delete', remove],
  ['undelete', bringBack],
  ['snapshot', keepSnapshot],
  ['restore a snapshot', restoreSnapshot],
  ['delete a snapshot', dropSnapshot],
  ['create a role', addRole],
  ['delete a role', dropRole],
  ['create a database', addDatabase],
  ['delete a database', dropDatabase],
  ['add a compute', addCompute],
  ['suspend', suspend],
  ['archive', archive],
  ['rename', rename],
  ['write', write],
  ['write', write],
  ['mark', mark],
  ['mark', mark],
]
