import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { Branch } from '@coppice/api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { kinds } from '../packages/server/src/control/operations/kinds.ts'
import { psql, run, startTestPlatform, type TestPlatform, until } from './platform.ts'

/**
 * `kill -9` of the daemon before and after every step of every operation, enumerated from the code: a
 * new step is covered by itself. After the next start there is a whole branch or none, and nothing is
 * left over: no volume, no compute, no postmaster, no unfinished operation.
 */
let platform: TestPlatform
let directory: string
let failpointFile: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coppice-failpoint-'))
  failpointFile = join(directory, 'failpoint')
  platform = await startTestPlatform({ env: { COPPICE_FAILPOINT_FILE: failpointFile } })
  await psql(
    platform.connectionUri,
    'CREATE TABLE ledger AS SELECT n FROM generate_series(1, 100) n',
  )
})

afterAll(async () => {
  await platform?.remove()
  await rm(directory, { recursive: true, force: true })
})

type Trigger = () => Promise<unknown>

/** For each operation, calls that run all of its steps. Each finds the platform as the one before left it. */
function triggers(action: string): Trigger[] {
  const { client, projectId } = platform
  const path = { project_id: projectId }
  const branch = { ...path, branch_id: 'victim' }
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
          // It goes on in the background, and ends with the daemon.
          for (;;) {
            await client.getAnonymizedBranchStatus({ path: { ...path, branch_id: made.id } })
            await delay(50)
          }
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
              source_branch_id: 'victim',
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

const points = Object.entries(kinds).flatMap(([action, kind]) =>
  kind.steps.flatMap((step) =>
    ['before', 'after'].map((when) => ({ action, point: `${action}:${step.name}:${when}` })),
  ),
)

test.for(points)('the daemon dies at $point', async ({ action, point }) => {
  for (const index of triggers(action).keys()) {
    await makeVictim()
    const { pid } = await platform.client.getPlatformStatus({})
    await writeFile(failpointFile, point)
    await Promise.allSettled([triggers(action)[index]?.()])
    await platform.waitForDeath(pid)
    await rm(failpointFile)
    await platform.up()
    await expectWhole()
  }
})

/** A branch for operations to work on, there whatever the crash before did. */
async function makeVictim(): Promise<void> {
  const { client, projectId } = platform
  const path = { project_id: projectId }
  await deleteBranches()
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
    body: { branch: { name: 'victim' }, endpoints: [{ type: 'read_write' }] },
  })
  // What is still open would run into the failpoint.
  await until(async () => {
    const { operations } = await client.listProjectOperations({ path, query: {} })
    return operations.every((one) => !['scheduling', 'running'].includes(one.status))
  }, 'the operations of the preparation have ended')
}

/** All but the first: children before their parents, whatever has become of who is whose. */
async function deleteBranches(): Promise<void> {
  const { client, projectId } = platform
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

async function expectWhole(): Promise<void> {
  const { client, home } = platform
  const branchIds: string[] = []
  const endpointIds = new Set<string>()
  const snapshotIds: string[] = []
  const { projects } = await client.listProjects({ query: {} })
  for (const project of projects) {
    const path = { project_id: project.id }
    const { operations } = await client.listProjectOperations({ path, query: {} })
    expect(operations.filter((one) => ['scheduling', 'running'].includes(one.status))).toEqual([])
    const { snapshots } = await client.listSnapshots({ path })
    snapshotIds.push(...snapshots.map(({ id }) => id))
    const { branches } = await client.listProjectBranches({
      path,
      query: { include_deleted: true },
    })
    for (const branch of branches) {
      branchIds.push(branch.id)
      if (branch.recovery !== undefined) continue
      const { endpoints } = await client.listProjectBranchEndpoints({
        path: { ...path, branch_id: branch.id },
      })
      for (const endpoint of endpoints) endpointIds.add(endpoint.id)
      // What a branch was before a restore has no compute of its own.
      if (endpoints.length > 0) await expectUsable(project.id, branch)
    }
  }
  const volumes = await expectRows({ branchIds, snapshotIds })
  const found = await readdir(join(home, 'pool', 'volumes'))
  expect(found.filter((name) => !name.startsWith('template-')).toSorted()).toEqual(volumes)
  expect((await readdir(join(home, 'computes'))).toSorted()).toEqual([...endpointIds].toSorted())
  const status = await client.getPlatformStatus({})
  const running = new Set(status.computes.flatMap(({ pid }) => (pid === undefined ? [] : [pid])))
  expect(new Set(await platform.postmasters())).toEqual(running)
  await expectNoRemains(volumes)
}

/** Every row of the store is one that the API shows, or belongs to one. Answers the volumes that these have. */
async function expectRows(shown: {
  branchIds: readonly string[]
  snapshotIds: readonly string[]
}): Promise<string[]> {
  expect(await fromStore('select id from branches where snapshot_id is null')).toEqual(
    shown.branchIds.toSorted(),
  )
  expect(await fromStore('select id from snapshots')).toEqual(shown.snapshotIds.toSorted())
  expect(await fromStore('select snapshot_id from branches where snapshot_id is not null')).toEqual(
    shown.snapshotIds.toSorted(),
  )
  expect(await fromStore('select id from branches where ready_at is null')).toEqual([])
  expect(
    await fromStore(`select id from line_snapshots
      where taken_at is null or line not in (select volume_id from branches)`),
  ).toEqual([])
  return fromStore('select volume_id from branches union all select id from line_snapshots')
}

/** The first column of a query, sorted. */
async function fromStore(query: string): Promise<string[]> {
  const host = join(platform.home, 'run', 'store')
  const args = ['-XAtq', '-h', host, '-U', 'coppice', '-d', 'postgres', '-c', query]
  const output = await run('psql', args)
  return output
    .split('\n')
    .filter((line) => line !== '')
    .toSorted()
}

/** Nothing of recoveries, and no WAL of lines that are gone. */
async function expectNoRemains(volumes: readonly string[]): Promise<void> {
  const { home } = platform
  const wal = join(home, 'pool', 'wal')
  const lines = await namesIn(wal)
  expect(lines.filter((name) => !volumes.includes(name))).toEqual([])
  // One that is being put right now is there for a moment.
  await until(async () => {
    const names = await Promise.all(lines.map(async (line) => namesIn(join(wal, line))))
    return names.flat().every((name) => !name.startsWith('.'))
  }, 'no file of WAL is left half-put')
  expect(await namesIn(join(home, 'replays'))).toEqual([])
  const sockets = await namesIn(join(home, 'run'))
  expect(sockets.filter((name) => /^(replay|past)-/.test(name))).toEqual([])
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => [])
}

/** A listed branch can be connected to, and has its parent's data where it is a branch of ours. */
async function expectUsable(projectId: string, branch: Branch): Promise<void> {
  const { uri } = await platform.client.getConnectionURI({
    path: { project_id: projectId },
    query: { branch_id: branch.id, database_name: 'neondb', role_name: 'neondb_owner' },
  })
  if (projectId === platform.projectId) {
    const rows = await psql(uri, 'SELECT count(*), sum(n) FROM ledger')
    // One that was to be filled with masked data is empty, or filled.
    expect(branch.init_source === 'schema-only' ? ['0|', '100|5050'] : ['100|5050']).toContain(rows)
  } else {
    expect(await psql(uri, 'SELECT 1')).toBe('1')
  }
}
