import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Branch } from '@coppice/api'
import { expect } from 'vitest'

import { homePaths } from '../../packages/server/src/lib/home.ts'
import { run, type TestPlatform, until } from '../platform.ts'
import { findPostmasters } from './processes.ts'

/**
 * What the API tells, what the store has and what is on the disk are one: no unfinished operation, no
 * volume, compute, postmaster, WAL or recovery that nobody has asked for. `check` is for what each listed
 * branch with a compute promises.
 */
export async function expectWhole(
  platform: TestPlatform,
  check: (projectId: string, branch: Branch) => Promise<void>,
): Promise<void> {
  const { client, home } = platform
  const branchIds: string[] = []
  const endpointIds = new Set<string>()
  const snapshotIds: string[] = []
  const { projects } = await client.listProjects({ query: {} })
  for (const project of projects) {
    const path = { project_id: project.id }
    expect(await openOperations(platform, project.id)).toEqual([])
    const { snapshots } = await client.listSnapshots({ path })
    snapshotIds.push(...snapshots.map(({ id }) => id))
    const { branches } = await client.listProjectBranches({
      path,
      query: { include_deleted: true },
    })
    branchIds.push(...branches.map(({ id }) => id))
    const { endpoints } = await client.listProjectEndpoints({ path })
    for (const { id } of endpoints) endpointIds.add(id)
    // What a branch was before a restore has no compute of its own.
    const reachable = new Set(endpoints.map(({ branch_id }) => branch_id))
    await Promise.all(
      branches
        .filter(({ id, recovery }) => recovery === undefined && reachable.has(id))
        .map(async (branch) => check(project.id, branch)),
    )
  }
  const volumes = await expectRows(platform, { branchIds, snapshotIds })
  const found = await readdir(join(home, 'pool', 'volumes'))
  expect(found.filter((name) => !name.startsWith('template-')).toSorted()).toEqual(volumes)
  expect((await readdir(join(home, 'computes'))).toSorted()).toEqual([...endpointIds].toSorted())
  await expectOwnPostmasters(platform)
  await expectNoRemains(platform, volumes)
}

/** Those that are not over, as `action status`. */
export async function openOperations(platform: TestPlatform, projectId: string): Promise<string[]> {
  const { operations } = await platform.client.listProjectOperations({
    path: { project_id: projectId },
    query: {},
  })
  return operations
    .filter((one) => ['scheduling', 'running'].includes(one.status))
    .map(({ action, status }) => `${action} ${status}`)
}

/** Every postmaster is one that the platform knows, and no two work in one directory. */
async function expectOwnPostmasters(platform: TestPlatform): Promise<void> {
  const { computes } = await platform.client.getPlatformStatus({})
  const running = new Set(computes.flatMap(({ pid }) => (pid === undefined ? [] : [pid])))
  expect(new Set(await platform.postmasters())).toEqual(running)
  const directories = findPostmasters(platform).map(({ directory }) => directory)
  expect(directories.toSorted()).toEqual([...new Set(directories)].toSorted())
}

/** Every row of the store is one that the API shows, or belongs to one. Answers the volumes that these have. */
async function expectRows(
  platform: TestPlatform,
  shown: { branchIds: readonly string[]; snapshotIds: readonly string[] },
): Promise<string[]> {
  const rows = async (query: string): Promise<string[]> => fromStore(platform, query)
  expect(await rows('select id from branches where snapshot_id is null')).toEqual(
    shown.branchIds.toSorted(),
  )
  expect(await rows('select id from snapshots')).toEqual(shown.snapshotIds.toSorted())
  expect(await rows('select snapshot_id from branches where snapshot_id is not null')).toEqual(
    shown.snapshotIds.toSorted(),
  )
  expect(await rows('select id from branches where ready_at is null')).toEqual([])
  expect(
    await rows(`select id from line_snapshots
      where taken_at is null or line not in (select volume_id from branches)`),
  ).toEqual([])
  return rows('select volume_id from branches union all select id from line_snapshots')
}

/** The first column of a query, sorted. */
async function fromStore({ home }: TestPlatform, query: string): Promise<string[]> {
  const host = join(homePaths(home).sockets, 'store')
  const args = ['-XAtq', '-h', host, '-U', 'coppice', '-d', 'postgres', '-c', query]
  const output = await run('psql', args)
  return output
    .split('\n')
    .filter((line) => line !== '')
    .toSorted()
}

/** Nothing of recoveries, and no WAL of lines that are gone. */
async function expectNoRemains({ home }: TestPlatform, volumes: readonly string[]): Promise<void> {
  const wal = join(home, 'pool', 'wal')
  const lines = await namesIn(wal)
  expect(lines.filter((name) => !volumes.includes(name))).toEqual([])
  // One that is being put right now is there for a moment.
  await until(async () => {
    const names = await Promise.all(lines.map(async (line) => namesIn(join(wal, line))))
    return names.flat().every((name) => !name.startsWith('.'))
  }, 'no file of WAL is left half-put')
  expect(await namesIn(join(home, 'replays'))).toEqual([])
  const sockets = await namesIn(homePaths(home).sockets)
  expect(sockets.filter((name) => /^(replay|past)-/.test(name))).toEqual([])
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => [])
}
