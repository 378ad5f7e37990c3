import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { readPidFile } from '../../compute/pid-file.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'
import { until } from '../../testing/until.ts'
import { createBtrfsDriver } from '../../volume/btrfs.ts'
import { Cleanup } from '../../volume/testing/cleanup.ts'
import { canMount, mountImage } from '../../volume/testing/pools.ts'
import { requireAnyBranch } from '../store/branches.ts'
import { listLineSnapshots } from '../store/line-snapshots.ts'
import { verifyNextSnapshot } from '../verify-snapshots.ts'
import { volumeDataDirectory } from '../volumes.ts'
import { takeLineSnapshot } from './line-snapshots.ts'
import { takeDueSnapshots } from './trim.ts'

/** A branch at any moment of its past, against real PostgreSQL on clones and on copies. */
const pools = [...(canMount ? [{ kind: 'btrfs' as const }] : []), { kind: 'copy' as const }]

/** Overwrites the middle of a table's file, as a failing disk might. */
async function damage(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write(Buffer.alloc(200, 0xa5), 0, 200, 4096)
    await file.sync()
  } finally {
    await file.close()
  }
}

describe.for(pools)('on a pool of kind $kind', ({ kind }) => {
  const cleanup = new Cleanup()
  let control: TestControl
  let project_id: string

  beforeAll(async () => {
    control = await startTestControl(
      kind === 'btrfs'
        ? {
            createVolumes: async (_, user) =>
              createBtrfsDriver(await mountImage('btrfs', 4 * 1024 ** 3, cleanup), user),
          }
        : {},
    )
    await control.context.history.archiver.start()
    const made = await control.client.createProject({ body: { project: {} } })
    project_id = made.project.id
    await run(
      'main',
      'create table public.ledger (n int primary key, at timestamptz default now())',
    )
    if (kind === 'copy') await snapshot('main')
  })

  afterAll(async () => {
    await control?.close()
    await cleanup.run()
  })

  const branchPath = (branch_id: string) => ({ project_id, branch_id })

  async function computeOf(branch: string) {
    const { endpoints } = await control.client.listProjectBranchEndpoints({
      path: branchPath(branch),
    })
    const compute = control.context.host.get(endpoints[0]?.id ?? '')
    if (compute === undefined) throw new Error(`${branch} has no compute`)
    return compute
  }

  async function run(branch: string, statement: string): Promise<Record<string, unknown>[]> {
    const compute = await computeOf(branch)
    return compute.withSuperuser('neondb', async (sql) => [...(await sql.unsafe(statement))])
  }

  async function insert(branch: string, n: number): Promise<{ time: string; lsn: string }> {
    await run(branch, `insert into public.ledger (n) values (${n})`)
    const [row] = await run(
      branch,
      `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time,
         pg_current_wal_insert_lsn()::text as lsn`,
    )
    await delay(20)
    return { time: String(row?.['time']), lsn: String(row?.['lsn']) }
  }

  const count = async (branch: string): Promise<number> =>
    Number((await run(branch, 'select count(*) from public.ledger'))[0]?.['count'])

  async function snapshot(branch: string): Promise<void> {
    const { branch: found } = await control.client.getProjectBranch({ path: branchPath(branch) })
    const { volume_id } = await requireAnyBranch(control.context.store, found.id)
    await takeLineSnapshot(control.context, volume_id)
  }

  async function branchAt(name: string, parent_id: string, at: { time?: string; lsn?: string }) {
    return control.client.createProjectBranch({
      path: { project_id },
      body: {
        branch: {
          name,
          parent_id: (await control.client.getProjectBranch({ path: branchPath(parent_id) })).branch
            .id,
          ...(at.time !== undefined && { parent_timestamp: at.time }),
          ...(at.lsn !== undefined && { parent_lsn: at.lsn }),
        },
        endpoints: [{ type: 'read_write' }],
      },
    })
  }

  test('branches from times and positions hold exactly what was committed by then', async () => {
    const points: { time: string; lsn: string }[] = []
    for (let n = 1; n <= 6; n++) {
      points.push(await insert('main', n))
      if (n === 3) await snapshot('main')
    }
    for (const [index, point] of points.entries()) {
      if (index % 2 === 1) continue
      await branchAt(`time-${index}`, 'main', { time: point.time })
      expect(await count(`time-${index}`)).toBe(index + 1)
      await branchAt(`lsn-${index}`, 'main', { lsn: point.lsn })
      expect(await count(`lsn-${index}`)).toBe(index + 1)
    }
    const { branch } = await control.client.getProjectBranch({ path: branchPath('lsn-2') })
    expect(branch.parent_lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/)
  })

  // DROP DATABASE writes that the files are gone before it commits.
  test('a database that was dropped later is there, with its rows', async () => {
    await branchAt('library', 'main', {})
    if (kind === 'copy') await snapshot('library')
    await run('library', 'create database books')
    const inBooks = async (branch: string, statement: string) =>
      (await computeOf(branch)).withSuperuser('books', async (sql) => [
        ...(await sql.unsafe(statement)),
      ])
    await inBooks('library', 'create table public.title as select 7 as n')
    const before = await insert('library', 150)
    await (await computeOf('library')).suspend({ force: true })
    await run('library', 'drop database books with (force)')
    await insert('library', 151)
    await branchAt('before-the-drop', 'library', { time: before.time })
    expect(await inBooks('before-the-drop', 'select n from public.title')).toEqual([{ n: 7 }])
    const { databases } = await control.client.listProjectBranchDatabases({
      path: branchPath('before-the-drop'),
    })
    expect(databases.map(({ name }) => name)).toContain('books')
  })

  test('a branch of a suspended parent at its last moment has everything', async () => {
    const before = await count('main')
    const last = await insert('main', 100)
    await (await computeOf('main')).suspend({ force: true })
    await branchAt('of-sleeper', 'main', { time: new Date().toISOString() })
    expect(await count('of-sleeper')).toBe(before + 1)
    await branchAt('of-sleeper-lsn', 'main', { lsn: last.lsn })
    expect(await count('of-sleeper-lsn')).toBe(before + 1)
  })

  test('what is outside of the window is refused, and the window named', async () => {
    await expect(branchAt('old', 'main', { time: '2020-01-01T00:00:00Z' })).rejects.toMatchObject({
      code: 'outside_history',
      message: expect.stringMatching(/its history begins at 20\d\d-.*, LSN /),
    })
    await expect(branchAt('new', 'main', { time: '2120-01-01T00:00:00Z' })).rejects.toMatchObject({
      code: 'outside_history',
    })
    await expect(branchAt('far', 'main', { lsn: 'FFFFFF/0' })).rejects.toMatchObject({
      message: expect.stringContaining('has not reached'),
    })
    await expect(branchAt('bad', 'main', { lsn: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test('moments that need WAL that was lost are refused, and others are not', async () => {
    await branchAt('gappy', 'main', {})
    if (kind === 'copy') await snapshot('gappy')
    const before = await count('gappy')
    const points: { time: string; lsn: string; file: string }[] = []
    for (const n of [700, 701, 702]) {
      const [row] = await run(
        'gappy',
        'select pg_walfile_name(pg_current_wal_insert_lsn()) as file',
      )
      points.push({ ...(await insert('gappy', n)), file: String(row?.['file']) })
      await run('gappy', 'select pg_switch_wal()')
    }
    // What is finished is noticed as the next is written to.
    await insert('gappy', 703)
    const [first, lost, last] = points
    if (!first || !lost || !last) throw new Error('three were inserted')
    const { branch } = await control.client.getProjectBranch({ path: branchPath('gappy') })
    const { volume_id } = await requireAnyBranch(control.context.store, branch.id)
    const { history, volumes } = control.context
    await until(async () =>
      (await history.wal.list(volume_id)).some(({ name }) => name === last.file),
    )
    await history.wal.remove(volume_id, [lost.file])
    await rm(join(volumeDataDirectory(volumes, volume_id), 'pg_wal', lost.file))
    for (const at of [{ time: last.time }, { lsn: last.lsn }]) {
      await expect(branchAt('after', 'gappy', at)).rejects.toMatchObject({
        code: 'outside_history',
        message: expect.stringContaining('was not kept as a whole'),
      })
    }
    await branchAt('before', 'gappy', { lsn: first.lsn })
    expect(await count('before')).toBe(before + 1)
  })

  test('a restore keeps the compute and the password, and what was before as a branch', async () => {
    const point = await insert('main', 200)
    const before = await count('main')
    await insert('main', 201)
    const compute = await computeOf('main')
    const { password } = await control.client.getProjectBranchRolePassword({
      path: { ...branchPath('main'), role_name: 'neondb_owner' },
    })
    const verifier = await compute.verifier('neondb_owner')
    const { branch } = await control.client.restoreProjectBranch({
      path: branchPath('main'),
      body: {
        source_branch_id: 'main',
        source_timestamp: point.time,
        preserve_under_name: 'main-before',
      },
    })
    expect(branch).toMatchObject({ name: 'main', default: true })
    expect(await computeOf('main')).toBe(compute)
    expect(await compute.verifier('neondb_owner')).toBe(verifier)
    expect(
      await control.client.getProjectBranchRolePassword({
        path: { ...branchPath('main'), role_name: 'neondb_owner' },
      }),
    ).toEqual({ password })
    expect(await count('main')).toBe(before)
    const { branch: backup } = await control.client.getProjectBranch({
      path: branchPath('main-before'),
    })
    expect(branch.parent_id).toBe(backup.id)
    // What came after the moment is still in the line of before, and can be reached through it.
    await control.client.createProjectEndpoint({
      path: { project_id },
      body: { endpoint: { branch_id: backup.id, type: 'read_write' } },
    })
    expect(await count('main-before')).toBe(before + 1)
    // And a moment before the restore through the branch that was restored.
    await branchAt('through-restore', 'main', { time: point.time })
    expect(await count('through-restore')).toBe(before)
  })

  test('what was undone by a restore to a position is not reached through the branch', async () => {
    await branchAt('undone', 'main', {})
    if (kind === 'copy') await snapshot('undone')
    const before = await count('undone')
    const point = await insert('undone', 500)
    const late = await insert('undone', 501)
    await control.client.restoreProjectBranch({
      path: branchPath('undone'),
      body: {
        source_branch_id: 'undone',
        source_lsn: point.lsn,
        preserve_under_name: 'undone-before',
      },
    })
    expect(await count('undone')).toBe(before + 1)
    if (kind === 'copy') return
    await branchAt('undone-late', 'undone', { time: late.time })
    expect(await count('undone-late')).toBe(before + 1)
    await branchAt('before-late', 'undone-before', { time: late.time })
    expect(await count('before-late')).toBe(before + 2)
    const { history } = await control.client.getProjectBranchHistory({
      path: branchPath('undone'),
    })
    expect(history.lines.map((line) => line.branch_name).slice(0, 3)).toEqual([
      'undone',
      'undone-before',
      'main',
    ])
    expect(history.earliest).toBeDefined()
  })

  test.skipIf(kind !== 'copy')(
    'of a copy there is no history before its first snapshot, and nothing is guessed',
    async () => {
      await branchAt('young', 'main', {})
      const now = new Date().toISOString()
      await expect(branchAt('guess', 'young', { time: now })).rejects.toMatchObject({
        code: 'outside_history',
      })
    },
  )

  test('where the clock was set back, snapshots are told apart by their positions', async () => {
    const { context } = control
    await branchAt('set-back', 'main', {})
    const { branch } = await control.client.getProjectBranch({ path: branchPath('set-back') })
    const { volume_id: line } = await requireAnyBranch(context.store, branch.id)
    const taken = async () => listLineSnapshots(context.store, line)
    const write = async (n: number) => {
      const before = context.history.archiver.position(line) ?? 0n
      await insert('set-back', n)
      await run('set-back', 'select pg_switch_wal()')
      await insert('set-back', n + 1)
      await until(async () => (context.history.archiver.position(line) ?? 0n) > before)
    }
    await write(300)
    await snapshot('set-back')
    await write(310)
    await snapshot('set-back')
    const before = await taken()
    const [first, last] = [before[0]?.id ?? '', before.at(-1)?.id ?? '']

    // The first was taken a day ahead of now, long before the last.
    await context.store`update line_snapshots
      set taken_at = now() + interval '1 day', lsn_from = 1, lsn_to = 1 where id = ${first}`
    await takeDueSnapshots(context)
    expect((await taken()).map(({ id }) => id)).toEqual(before.map(({ id }) => id))

    // The last as well: what is written from now on has the times of before.
    await context.store`update line_snapshots set taken_at = now() + interval '1 day' where id = ${last}`
    await write(320)
    for (const _ of [1, 2]) {
      await takeDueSnapshots(context)
      expect(await taken()).toHaveLength(before.length + 1)
    }
    const point = await insert('set-back', 330)
    await insert('set-back', 331)
    await branchAt('set-back-then', 'set-back', { time: point.time })
    expect(await run('set-back-then', 'select max(n) from public.ledger')).toEqual([{ max: 330 }])
  })

  test('a branch is reset to its parent, and its old state can be recovered', async () => {
    await branchAt('child', 'main', {})
    await insert('child', 300)
    await insert('main', 301)
    const { branch } = await control.client.restoreProjectBranch({
      path: branchPath('child'),
      body: {
        source_branch_id: (await control.client.getProjectBranch({ path: branchPath('main') }))
          .branch.id,
      },
    })
    expect(branch.last_reset_at).toBeDefined()
    expect(await run('child', 'select n from public.ledger where n >= 300')).toEqual([{ n: 301 }])
    const { branches } = await control.client.listProjectBranches({
      path: { project_id },
      query: { include_deleted: true, search: 'child_old' },
    })
    expect(branches).toMatchObject([{ restored_as: branch.id }])
  })

  test('a snapshot is kept, restored beside, and takes the place of its branch', async () => {
    await branchAt('shop', 'main', {})
    await insert('shop', 400)
    const before = await count('shop')
    const { snapshot: made } = await control.client.createSnapshot({
      path: branchPath('shop'),
      query: { name: 'before the sale' },
    })
    await insert('shop', 401)
    await control.client.resetProjectBranchRolePassword({
      path: { ...branchPath('shop'), role_name: 'neondb_owner' },
    })
    await verifyNextSnapshot(control.context)
    expect((await control.client.listSnapshots({ path: { project_id } })).snapshots).toMatchObject([
      { id: made.id, manual: true, verification: { status: 'passed' } },
    ])
    const { branch } = await control.client.restoreSnapshot({
      path: { project_id, snapshot_id: made.id },
      query: {},
      body: null,
    })
    expect(branch).toMatchObject({ restored_from: made.id, restore_status: 'restored' })
    expect(await count(branch.name)).toBe(before)
    const compute = await computeOf('shop')
    await control.client.finalizeRestoreBranch({ path: branchPath(branch.id), body: null })
    expect(await computeOf('shop')).toBe(compute)
    expect(await count('shop')).toBe(before)
    const old = await control.client.listProjectBranches({
      path: { project_id },
      query: { search: 'shop_old' },
    })
    // Its role logs in with the password that it has, and not with that of the data which its compute had.
    await control.client.getConnectionURI({
      path: { project_id },
      query: {
        branch_id: old.branches[0]?.id ?? '',
        database_name: 'neondb',
        role_name: 'neondb_owner',
      },
    })
    const { snapshots } = await control.client.listSnapshots({ path: { project_id } })
    expect(snapshots.map(({ id }) => id)).toEqual([made.id])
    await control.client.deleteSnapshot({ path: { project_id, snapshot_id: made.id } })
    expect((await control.client.listSnapshots({ path: { project_id } })).snapshots).toEqual([])
  })

  test('a snapshot whose PostgreSQL is killed while it is verified is verified all the same', async () => {
    await branchAt('sound', 'main', {})
    const { snapshot: made } = await control.client.createSnapshot({
      path: branchPath('sound'),
      query: {},
    })
    const { volumes } = control.context
    const scratchPid = async (): Promise<number | undefined> => {
      const [id] = (await volumes.list()).filter((one) => one.startsWith('scratch-'))
      const pidFile = id === undefined ? undefined : readPidFile(volumeDataDirectory(volumes, id))
      return pidFile?.status === 'ready' ? pidFile.pid : undefined
    }
    const verified = verifyNextSnapshot(control.context)
    await until(async () => {
      const pid = await scratchPid()
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      return pid !== undefined
    })
    await verified
    expect((await control.client.listSnapshots({ path: { project_id } })).snapshots).toMatchObject([
      { id: made.id, verification: { status: 'passed' } },
    ])
    expect((await volumes.list()).filter((one) => one.startsWith('scratch-'))).toEqual([])
    await control.client.deleteSnapshot({ path: { project_id, snapshot_id: made.id } })
  })

  test('a snapshot is verified whatever the owner of a database has made of it', async () => {
    await branchAt('odd', 'main', {})
    await run('odd', 'create schema coppice_verify')
    await run('odd', 'create database unusable')
    // As an interrupted DROP DATABASE leaves it.
    await run('odd', `update pg_database set datconnlimit = -2 where datname = 'unusable'`)
    await run('odd', `alter database neondb set local_preload_libraries = 'nope'`)
    const { snapshot: made } = await control.client.createSnapshot({
      path: branchPath('odd'),
      query: {},
    })
    await verifyNextSnapshot(control.context)
    expect((await control.client.listSnapshots({ path: { project_id } })).snapshots).toMatchObject([
      { id: made.id, verification: { status: 'passed' } },
    ])
    await control.client.deleteSnapshot({ path: { project_id, snapshot_id: made.id } })
  })

  test('a snapshot whose files are damaged fails its verification, and says where', async () => {
    await branchAt('worn', 'main', {})
    await run(
      'worn',
      `create table public.precious as select n, repeat('x', 100) from generate_series(1, 500) n`,
    )
    const [row] = await run('worn', `select pg_relation_filepath('public.precious') as path`)
    await run('worn', 'checkpoint')
    const { snapshot: made } = await control.client.createSnapshot({
      path: branchPath('worn'),
      query: {},
    })
    const [found] = await control.context.store<{ volume_id: string }[]>`
      select volume_id from branches where snapshot_id = ${made.id}`
    const data = volumeDataDirectory(control.context.volumes, found?.volume_id ?? '')
    await damage(join(data, String(row?.['path'])))
    await verifyNextSnapshot(control.context)
    expect((await control.client.listSnapshots({ path: { project_id } })).snapshots).toMatchObject([
      { verification: { status: 'failed', detail: expect.stringContaining('precious') } },
    ])
  })
})
