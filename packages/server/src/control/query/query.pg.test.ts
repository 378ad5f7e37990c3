import { setTimeout as delay } from 'node:timers/promises'

import type { QueryLine, QueryRequest } from '@coppice/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../../testing/control.ts'
import { until } from '../../testing/until.ts'
import { takeLineSnapshot } from '../history/line-snapshots.ts'
import { requireAnyBranch } from '../store/branches.ts'

let control: TestControl
let path: { project_id: string; branch_id: string }

beforeAll(async () => {
  control = await startTestControl()
  await control.context.history.archiver.start()
  const { project, branch } = await control.client.createProject({ body: { project: {} } })
  path = { project_id: project.id, branch_id: branch.id }
})
afterAll(async () => control.close())

const ask = async (sql: string, more: Partial<QueryRequest> = {}, signal?: AbortSignal) =>
  control.client.queryProjectBranch({
    path,
    body: { sql, db_name: 'neondb', ...more },
    ...(signal && { signal }),
  })

async function collect(sql: string, more: Partial<QueryRequest> = {}): Promise<QueryLine[]> {
  const lines: QueryLine[] = []
  for await (const line of await ask(sql, more)) lines.push(line)
  return lines
}
const rowsOf = (lines: QueryLine[]) =>
  lines.flatMap((line) => (line.type === 'rows' ? line.rows : []))

describe('a query', () => {
  test('is answered with columns, rows as text and how each statement ended', async () => {
    const lines = await collect(
      `create table person (id int primary key, name varchar(20), tags text[]);
       insert into person values (1, 'Ada', '{a,b}'), (2, null, '{}');
       select id, name, tags, now() as at from person order by id`,
    )
    expect(lines.map(({ type }) => type)).toEqual([
      'statement',
      'complete',
      'statement',
      'complete',
      'statement',
      'columns',
      'rows',
      'complete',
      'end',
    ])
    expect(lines[1]).toMatchObject({ command: 'CREATE TABLE', row_count: null })
    expect(lines[3]).toMatchObject({ command: 'INSERT', row_count: 2 })
    expect(lines[5]).toMatchObject({
      columns: [
        { name: 'id', type: 'integer', column_number: 1 },
        { name: 'name', type: 'character varying' },
        { name: 'tags', type: 'text[]' },
        { name: 'at', type: 'timestamp with time zone', table_id: 0 },
      ],
    })
    expect(rowsOf(lines).map((row) => row.slice(0, 3))).toEqual([
      ['1', 'Ada', '{a,b}'],
      ['2', null, '{}'],
    ])
    expect(lines[7]).toMatchObject({ command: 'SELECT', row_count: 2 })
  })

  test('with no rows has its columns, and notices come between', async () => {
    const lines = await collect(
      `do $$ begin raise notice 'look'; end $$; select 1 as one where false`,
    )
    expect(lines).toMatchObject([
      { type: 'statement' },
      { type: 'notice', severity: 'NOTICE', message: 'look' },
      { type: 'complete', command: 'DO' },
      { type: 'statement' },
      { type: 'columns', columns: [{ name: 'one', type: 'integer' }] },
      { type: 'complete', row_count: 0 },
      { type: 'end' },
    ])
  })

  test('ends at the first error, which says where it is in the whole text', async () => {
    const sql = `select '🐘';\nselect nothing from nowhere; create table never ()`
    const lines = await collect(sql)
    const error = lines.find((line) => line.type === 'error')
    expect(error).toMatchObject({ statement: 1, code: '42P01', position: sql.indexOf('nowhere') })
    expect(lines.at(-1)).toMatchObject({ type: 'end' })
    expect(rowsOf(await collect(`select to_regclass('never')`))).toEqual([[null]])
  })

  test('is its own transaction for each statement, unless it says BEGIN', async () => {
    await collect('create table kept (id int); select 1/0')
    expect(rowsOf(await collect(`select to_regclass('kept')`))).toEqual([['kept']])
    await collect('begin; create table lost (id int); select 1/0; commit')
    expect(rowsOf(await collect(`select to_regclass('lost')`))).toEqual([[null]])
    expect((await collect('vacuum kept; select 1')).at(-2)).toMatchObject({ type: 'complete' })
  })

  test('runs as the owner of the database, who is no superuser', async () => {
    const [row] = rowsOf(
      await collect(`select session_user, rolsuper from pg_roles where rolname = session_user`),
    )
    expect(row).toEqual(['neondb_owner', 'f'])
    await expect(ask('select 1', { role_name: 'nobody' })).rejects.toMatchObject({
      code: 'role_not_found',
    })
    await expect(ask('select 1', { db_name: 'nowhere' })).rejects.toMatchObject({
      code: 'database_not_found',
    })
  })

  test('writes nothing when it is to read only', async () => {
    const lines = await collect('create table unwanted ()', { read_only: true })
    expect(lines).toContainEqual(expect.objectContaining({ type: 'error', code: '25006' }))
  })

  test('is given up after its time', async () => {
    const lines = await collect('select pg_sleep(60)', { timeout_seconds: 1 })
    expect(lines).toContainEqual(expect.objectContaining({ type: 'error', code: '57014' }))
  })

  test('of a million rows comes in batches, and is held nowhere', async () => {
    let rows = 0
    let longest = 0
    for await (const line of await ask(
      `select i, repeat('x', 100) from generate_series(1, 300000) i`,
    )) {
      if (line.type === 'rows') {
        rows += line.rows.length
        longest = Math.max(longest, line.rows.length)
      }
    }
    expect(rows).toBe(300_000)
    expect(longest).toBeLessThanOrEqual(1000)
  })

  test('is cancelled when its reader goes away', async () => {
    const running = async () =>
      Number(
        rowsOf(
          await collect(
            `select count(*) from pg_stat_activity where state = 'active' and query ~ '^select .gone'`,
          ),
        )[0]?.[0],
      )
    const leaving = new AbortController()
    const lines = await ask(`select 'gone', pg_sleep(600)`, {}, leaving.signal)
    const reading = (async () => {
      for await (const line of lines) expect(line.type).not.toBe('complete')
    })()
    await until(async () => (await running()) === 1)
    leaving.abort()
    await expect(reading).rejects.toThrow('aborted')
    await until(async () => (await running()) === 0)
  })

  test('whose reader goes away before it begins leaves nothing behind', async () => {
    for (let wait = 0; wait < 60; wait += 1) {
      const leaving = new AbortController()
      const asked = ask(`select 'never read', pg_sleep(600)`, {}, leaving.signal)
      await delay(wait % 12)
      leaving.abort()
      await Promise.allSettled([asked])
    }
    // More than may run at once: the last that left may be known to have left a moment later.
    await until(async () => {
      const rows = await collect(
        `select count(*) from pg_stat_activity where query ~ '^select .never read'`,
      ).then(rowsOf, () => [])
      return rows[0]?.[0] === '0'
    })
    expect(rowsOf(await collect('select 1'))).toEqual([['1']])
  })

  test('that is left in the middle of its rows is cancelled too', async () => {
    for await (const line of await ask('select generate_series(1, 100000000) i')) {
      if (line.type === 'rows') break
    }
    await until(async () => {
      const [row] = rowsOf(
        await collect(
          `select count(*) from pg_stat_activity where query ~ '^select generate_series'`,
        ),
      )
      return row?.[0] === '0'
    })
  })

  test('reads a moment of the past', async () => {
    await collect(`create table counted as select 1 as n`)
    const { volume_id } = await requireAnyBranch(control.context.store, path.branch_id)
    await takeLineSnapshot(control.context, volume_id)
    await delay(1100)
    const then = new Date().toISOString()
    await delay(100)
    await collect('update counted set n = 2')
    expect(rowsOf(await collect('select n from counted', { timestamp: then }))).toEqual([['1']])
    const lines = await collect('delete from counted', { timestamp: then })
    expect(lines).toContainEqual(expect.objectContaining({ type: 'error', code: '25006' }))
  })

  test('of one project leaves those of others their places', async () => {
    const other = await control.client.createProject({ body: { project: {} } })
    const leaving = new AbortController()
    // A project's share of the fifty.
    const running = await Promise.all(
      Array.from({ length: 25 }, async () => ask('select pg_sleep(600)', {}, leaving.signal)),
    )
    await expect(ask('select 1')).rejects.toMatchObject({
      status: 429,
      code: 'too_many_requests',
      message: expect.stringContaining(`project ${path.project_id} has 25 of the 50 queries`),
    })
    const there = { project_id: other.project.id, branch_id: other.branch.id }
    const answer = await control.client.queryProjectBranch({
      path: there,
      body: { sql: 'select 2', db_name: 'neondb' },
    })
    const lines: QueryLine[] = []
    for await (const line of answer) lines.push(line)
    expect(rowsOf(lines)).toEqual([['2']])
    leaving.abort()
    const read = async (some: AsyncIterable<QueryLine>) => {
      for await (const line of some) expect(line.type).not.toBe('complete')
    }
    await Promise.allSettled(running.map(read))
    await until(async () => (await ask('select 1').catch(() => undefined)) !== undefined)
  })

  test('without a statement is refused', async () => {
    await expect(ask(' -- nothing')).rejects.toMatchObject({ code: 'invalid_request' })
  })
})
