import type { Client, SqlFile, WorkLine } from '@coppice/api'
import { createClient } from '@coppice/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'
import { until } from '../../testing/until.ts'
import { createApiKey } from '../api-keys.ts'
import { takeLineSnapshot } from '../history/line-snapshots.ts'
import { takeDueSnapshots } from '../history/trim.ts'
import { requireAnyBranch } from '../store/branches.ts'
import { trimRehearsals } from '../store/rehearsals.ts'

/** Schema changes through the API: what the engine does is told by its own tests. */
let control: TestControl
let client: Client
let project_id: string
const db_name = 'neondb'

beforeAll(async () => {
  control = await startTestControl()
  client = control.client
  await control.context.history.archiver.start()
  const made = await client.createProject({ body: { project: {} } })
  project_id = made.project.id
  await run(
    'main',
    `create table users (id int primary key, name text, plan text);
    insert into users select n, 'u' || n, 'free' from generate_series(1, 50) n`,
  )
  // Whatever is due: an undo goes back from here on.
  const { branch } = await client.getProjectBranch({ path: pathOf('main') })
  const { volume_id } = await requireAnyBranch(control.context.store, branch.id)
  await takeLineSnapshot(control.context, volume_id)
})
afterAll(async () => control?.close())

const pathOf = (branch_id: string) => ({ project_id, branch_id })

async function run(branch_id: string, sql: string): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = []
  const lines = await client.queryProjectBranch({
    path: pathOf(branch_id),
    body: { sql, db_name },
  })
  for await (const line of lines) {
    if (line.type === 'rows') rows.push(...line.rows)
    if (line.type === 'error') throw new Error(line.message)
  }
  return rows
}

/** What was told on the way, and the last line. */
async function finish<T extends { type: string }>(
  lines: AsyncIterable<WorkLine | T>,
): Promise<{ told: string[]; result: T }> {
  const told: string[] = []
  let result: T | undefined
  for await (const line of lines) {
    if ('message' in line) told.push(line.message)
    else result = line as T
  }
  return { told, result: must(result, 'ends with its result') }
}

const rehearse = async (branch: string, ...files: SqlFile[]) =>
  finish(await client.rehearseMigrations({ path: pathOf(branch), body: { db_name, files } }))
const apply = async (branch: string, files: SqlFile[], schema_checksum?: string) =>
  finish(
    await client.applyMigrations({
      path: pathOf(branch),
      body: { db_name, files, ...(schema_checksum !== undefined && { schema_checksum }) },
    }),
  )

async function branchNames(): Promise<string[]> {
  const { branches } = await client.listProjectBranches({ path: { project_id }, query: {} })
  return branches.map(({ name }) => name).toSorted()
}

describe('a rehearsal', () => {
  test('reports what the files do, changes nothing and is kept', async () => {
    const { told, result } = await rehearse(
      'main',
      { name: '2_b.sql', sql: 'create index users_name on users (name)' },
      { name: '1_a.sql', sql: 'alter table users add column active boolean not null default true' },
    )
    expect(told.join('\n')).toMatch(/Rehearsing on branch rehearsal-of-main[^]*1_a.sql[^]*2_b.sql/)
    const { rehearsal } = result
    expect(rehearsal).toMatchObject({ branch_name: 'main', db_name, statements: 2, failed: false })
    expect(rehearsal.files).toEqual(['1_a.sql', '2_b.sql'])
    expect(rehearsal.report.files[1]?.statements[0]?.indexes_built[0]?.relation).toBe('users_name')
    expect(rehearsal.report.findings.map(({ rule }) => rule)).toContain('create-index')
    expect(await branchNames()).toEqual(['main'])
    expect(await run('main', `select to_regclass('users_name')`)).toEqual([[null]])

    const { rehearsals } = await client.listRehearsals({ path: { project_id } })
    const { report, ...summary } = rehearsal
    expect(rehearsals).toEqual([summary])
    const path = { project_id, rehearsal_id: rehearsal.id }
    expect((await client.getRehearsal({ path })).rehearsal).toEqual({ ...summary, report })
    const elsewhere = { project_id, rehearsal_id: '00000000-0000-4000-8000-000000000000' }
    await expect(client.getRehearsal({ path: elsewhere })).rejects.toMatchObject({
      code: 'rehearsal_not_found',
    })
  })

  test('that fails says where, and is kept as failed', async () => {
    const { result } = await rehearse('main', { name: 'bad.sql', sql: '\nselect nothing' })
    expect(result.rehearsal.failed).toBe(true)
    expect(result.rehearsal.report.error).toContain('bad.sql:2: column "nothing" does not exist')
  })

  test('of what cannot be parsed, or is not there, is refused before anything is made', async () => {
    const one = { name: 'a.sql', sql: 'create tabel t ()' }
    await expect(rehearse('main', one)).rejects.toMatchObject({ code: 'migration_failed' })
    const twice = { name: 'a.sql', sql: 'select 1' }
    await expect(rehearse('main', twice, twice)).rejects.toThrow('Two migrations are called a.sql')
    await expect(rehearse('nowhere', twice)).rejects.toMatchObject({ code: 'branch_not_found' })
    const nobody = client.rehearseMigrations({
      path: pathOf('main'),
      body: { db_name, role_name: 'nobody', files: [twice] },
    })
    await expect(nobody.then(finish)).rejects.toMatchObject({ code: 'role_not_found' })
    expect(await branchNames()).toEqual(['main'])
  })

  test('is called off when its reader goes, and its branch goes with it', async () => {
    const leaving = new AbortController()
    const lines = await client.rehearseMigrations({
      path: pathOf('main'),
      body: { db_name, files: [{ name: 'long.sql', sql: 'select pg_sleep(600)' }] },
      signal: leaving.signal,
    })
    for await (const line of lines) if ('message' in line && /long.sql:1/.test(line.message)) break
    leaving.abort()
    await until(async () => (await branchNames()).length === 1)
  })

  test('made elsewhere is kept too; the last 200 of a project are, for 90 days', async () => {
    const { rehearsals } = await client.listRehearsals({ path: { project_id } })
    const [first] = rehearsals
    const { rehearsal } = await client.getRehearsal({
      path: { project_id, rehearsal_id: must(first?.id, 'has one') },
    })
    const { rehearsal: kept } = await client.recordRehearsal({
      path: { project_id },
      body: { branch_id: rehearsal.branch_id, db_name, report: rehearsal.report },
    })
    expect(kept).toMatchObject({ branch_name: 'main', report: rehearsal.report })
    const { store } = control.context
    await store`update rehearsals set created_at = now() - interval '91 days' where id <> ${kept.id}`
    await store`insert into rehearsals (project_id, branch_id, branch_name, database_name, files,
        statements, findings, duration_ms, failed, report, created_at)
      select project_id, branch_id, branch_name, database_name, files, statements, findings,
        duration_ms, failed, report, now() - n * interval '1 second'
      from rehearsals, generate_series(1, 250) n where id = ${kept.id}`
    await trimRehearsals(store)
    const left = await client.listRehearsals({ path: { project_id } })
    expect(left.rehearsals.length).toBe(200)
    expect(left.rehearsals[0]?.id).toBe(kept.id)
  })
})

describe('applying', () => {
  test('runs what is pending, is listed, and is undone to what was previewed', async () => {
    const files = [{ name: '1_city.sql', sql: 'alter table users add column city text' }]
    const { result } = await apply('main', files)
    expect(result.applied).toMatchObject([{ name: '1_city.sql', statements: 1 }])
    expect((await apply('main', files)).result.applied).toEqual([])
    await run('main', `update users set city = 'x' where id < 4`)

    const query = { db_name }
    const ledger = await client.listMigrations({ path: pathOf('main'), query })
    expect(ledger.migrations).toMatchObject([
      { name: '1_city.sql', applied_by: 'neondb_owner', statements: 1, statements_done: 1 },
    ])
    expect(ledger.restore_point?.id).toBe(result.restore_point)

    await until(async () => {
      const { lost } = await client.previewMigrationsUndo({ path: pathOf('main'), query })
      return lost.tables.length > 0
    })
    const preview = await client.previewMigrationsUndo({ path: pathOf('main'), query })
    expect(preview).toMatchObject({
      undone: ['1_city.sql'],
      lost: { tables: [{ table: 'public.users', rows: 3 }] },
      other_databases: [],
    })
    const undo = async (restore_point_id: string) =>
      client.undoMigrations({ path: pathOf('main'), body: { db_name, restore_point_id } })
    await expect(undo('999')).rejects.toMatchObject({ code: 'migration_failed' })
    const undone = await undo(preview.restore_point.id)
    expect(undone.backup_branch.name).toMatch(/^main-undone-/)
    await expect(run('main', 'select city from users')).rejects.toThrow('does not exist')
    expect((await client.listMigrations({ path: pathOf('main'), query })).migrations).toEqual([])
    await client.deleteProjectBranch({
      path: pathOf(undone.backup_branch.id),
      query: { hard_delete: true },
    })
    await expect(
      client.previewMigrationsUndo({ path: pathOf('main'), query }),
    ).rejects.toMatchObject({ code: 'migration_failed' })
  })

  test('what fails leaves nothing of its file, and says where', async () => {
    const sql = 'create table half (); select nothing'
    await expect(apply('main', [{ name: 'half.sql', sql }])).rejects.toThrow(
      /half.sql:1: column "nothing" does not exist/,
    )
    expect(await run('main', `select to_regclass('half')`)).toEqual([[null]])
  })

  test('is called off when its reader goes: the locks are given back at once', async () => {
    const leaving = new AbortController()
    const sql = 'alter table users add column late int; select pg_sleep(600)'
    const lines = await client.applyMigrations({
      path: pathOf('main'),
      body: { db_name, files: [{ name: 'late.sql', sql }] },
      signal: leaving.signal,
    })
    const reading = (async () => {
      for await (const line of lines) expect(line.type).not.toBe('result')
    })()
    const holders = `select count(*) from pg_locks where relation = 'users'::regclass and mode = 'AccessExclusiveLock'`
    await until(async () => (await run('main', holders))[0]?.[0] === '1')
    leaving.abort()
    await expect(reading).rejects.toThrow('aborted')
    await until(async () => (await run('main', holders))[0]?.[0] === '0')
    await expect(run('main', 'select late from users')).rejects.toThrow('does not exist')
  })
})

describe('a merge', () => {
  const plan = async (body: object = {}) => {
    const lines = await client.planSchemaMerge({
      path: pathOf('feature'),
      body: { db_name, ...body },
    })
    return (await finish(lines)).result.plan
  }

  test('asks what was renamed, is planned, rehearsed and applied to what it was planned for', async () => {
    // The branch that was undone to has a history of its own.
    await takeDueSnapshots(control.context)
    await client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'feature' }, endpoints: [{ type: 'read_write' }] },
    })
    await run('feature', 'alter table users rename column name to full_name')
    await run('main', 'alter table users add column born date')
    const asked = await plan()
    expect(asked).toMatchObject({
      three_way: true,
      questions: [{ kind: 'column', name: 'users.name', candidates: ['full_name'] }],
      statements: [],
      schema_checksum: null,
    })
    const made = await plan({ renames: [{ from: 'users.name', to: 'full_name' }] })
    expect(made).toMatchObject({ questions: [], conflicts: [], remaining: [] })
    expect(made.statements.map(({ sql }) => sql)).toEqual([
      'alter table "public"."users" rename column "name" to "full_name"',
    ])
    const { result } = await rehearse('main', ...made.files)
    expect(result.rehearsal).toMatchObject({ statements: 1, failed: false })
    const checksum = made.schema_checksum ?? ''
    await run('main', 'create table meanwhile ()')
    await expect(apply('main', made.files, checksum)).rejects.toThrow('has changed meanwhile')
    await run('main', 'drop table meanwhile')
    await apply('main', made.files, checksum)
    expect(await run('main', 'select full_name, born from users where id = 7')).toEqual([
      ['u7', null],
    ])
    expect(await branchNames()).toEqual(['feature', 'main'])
  })

  test('names what both have changed, and compares any two branches as they are', async () => {
    await run('feature', 'alter table users alter plan set default 1')
    await run('main', 'alter table users alter plan set default 2')
    const made = await plan()
    expect(made.statements).toEqual([])
    expect(made.conflicts).toMatchObject([{ object: 'column users.plan' }])
    const lines = await client.planSchemaMerge({
      path: pathOf('main'),
      body: { db_name, into_branch_id: 'feature' },
    })
    const { plan: back } = (await finish(lines)).result
    expect(back.three_way).toBe(false)
    expect(back.statements.length).toBeGreaterThan(0)
    const itself = client.planSchemaMerge({ path: pathOf('main'), body: { db_name } })
    await expect(itself.then(finish)).rejects.toThrow('has no parent to merge into')
  })
})

test("a project's key reaches its project only, and does there what it may", async () => {
  const other = await client.createProject({ body: { project: {} } })
  const { key } = await createApiKey(control.context, {
    kind: 'organization',
    name: 'one',
    projectId: project_id,
  })
  const own = createClient({ baseUrl: control.apiUrl, apiKey: key })
  const files = [{ name: '9.sql', sql: 'select 1' }]
  const there = { project_id: other.project.id, branch_id: other.branch.id }
  await expect(
    own.rehearseMigrations({ path: there, body: { db_name, files } }),
  ).rejects.toMatchObject({ code: 'outside_key_scope' })
  await expect(own.listRehearsals({ path: there })).rejects.toMatchObject({
    code: 'outside_key_scope',
  })
  const lines = await own.rehearseMigrations({ path: pathOf('main'), body: { db_name, files } })
  expect((await finish(lines)).result.rehearsal.failed).toBe(false)
})
