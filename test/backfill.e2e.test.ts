import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, repository, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** A large table is changed on a whole platform, as the owner of its database. */
let platform: TestPlatform
const rows = 60_000

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(
    platform.connectionUri,
    `CREATE TABLE users (id bigint PRIMARY KEY, status text, hits int NOT NULL DEFAULT 0);
     INSERT INTO users (id) SELECT n * 3 FROM generate_series(1, ${rows}) n; ANALYZE users`,
  )
})

afterAll(async () => {
  await platform?.remove()
})

const ask = async (sql: string) => psql(platform.connectionUri, sql)
const backfill = async (...argv: string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await platform.neon('backfill', ...argv, '-o', 'json'))

test('a backfill that is killed goes on where it was, on a branch as well', async () => {
  const argv = ['--table', 'users', '--set', 'hits = hits + 1', '--batch', '500']
  const bin = join(repository, 'node_modules', '.bin', 'neon')
  const child = spawn(bin, ['backfill', ...argv, '--pause', '20'], {
    env: platform.env,
    stdio: 'ignore',
  })
  const batches = `SELECT coalesce(sum(batches), 0) FROM coppice.backfills`
  await until(async () => Number(await ask(batches).catch(() => '0')) >= 5, 'some batches are done')
  child.kill('SIGKILL')
  await once(child, 'exit')
  // What the server was told last it still does.
  await until(
    async () =>
      (await ask(`SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'coppice backfill'`)) === '0',
    'its sessions have ended',
  )
  const done = Number(await ask('SELECT count(*) FROM users WHERE hits = 1'))
  expect(done).toBeGreaterThan(0)
  expect(done).toBeLessThan(rows)
  expect(await ask('SELECT sum(rows_changed) FROM coppice.backfills')).toBe(String(done))

  await platform.neon('branches', 'create', '--name', 'dev')
  for (const branch of ['main', 'dev']) {
    expect(await backfill(...argv, '--branch', branch)).toMatchObject({
      rows_updated: rows,
      resumed: true,
      remaining_rows: null,
      wal_bytes: expect.toSatisfy((bytes: number) => bytes > 0),
    })
    const uri = (await platform.neon('connection-string', branch)).trim()
    expect(await psql(uri, 'SELECT count(*) FROM users WHERE hits = 1')).toBe(String(rows))
  }
})

test('a dry run is answered without a change, a mistake with its place', async () => {
  const where = ['--where', 'status IS NULL']
  expect(
    await backfill('--table', 'users', '--set', "status = 'x'", ...where, '--dry-run'),
  ).toMatchObject({ table: 'public.users', key: 'id', estimated_rows: expect.any(Number) })
  await expect(backfill('--table', 'users', '--set', 'status = y', ...where)).rejects.toThrow(
    '--set: column "y" does not exist',
  )
  expect(await ask('SELECT count(*) FROM users WHERE status IS NOT NULL')).toBe('0')
})
