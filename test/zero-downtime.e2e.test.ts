import { Client } from 'pg'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** docs/recipes/zero-downtime.md, step by step, beside a client that writes all the time. */
let platform: TestPlatform
let session: Client
let writer: Writer
const rows = 300_000

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(
    platform.connectionUri,
    `CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, seen int NOT NULL DEFAULT 0);
     INSERT INTO users SELECT n, 'user' || n || '@example.com' FROM generate_series(1, ${rows}) n;
     VACUUM ANALYZE users`,
  )
  session = await connect()
  await session.query("SET lock_timeout = '2s'")
  writer = await startWriter()
})

afterAll(async () => {
  await writer?.stop()
  await session?.end()
  await platform?.remove()
})

async function connect(): Promise<Client> {
  const uri = new URL(platform.connectionUri)
  for (const name of ['sslmode', 'channel_binding']) uri.searchParams.delete(name)
  const connectionString = uri.toString()
  const client = new Client({ connectionString, ssl: { rejectUnauthorized: false } })
  await client.connect()
  client.on('error', () => undefined)
  return client
}

interface Writer {
  /** The longest of its writes since it was last asked, in ms, once more have been done. */
  longest(): Promise<number>
  stop(): Promise<void>
}

async function startWriter(): Promise<Writer> {
  const client = await connect()
  let [stopped, longestMs, count] = [false, 0, 0]
  const write = async (): Promise<void> => {
    while (!stopped) {
      const start = performance.now()
      await client.query('UPDATE users SET seen = seen + 1 WHERE id = $1', [
        1 + Math.floor(Math.random() * rows),
      ])
      longestMs = Math.max(longestMs, performance.now() - start)
      count += 1
    }
  }
  const writing = write()
  return {
    async longest() {
      const before = count
      await until(async () => count > before + 1, 'the writer writes')
      const answer = longestMs
      longestMs = 0
      return answer
    },
    async stop() {
      stopped = true
      await writing
      await client.end()
    },
  }
}

const locks = `SELECT DISTINCT mode FROM pg_locks
  WHERE relation = 'users'::regclass AND granted AND pid = `

/** Runs a statement in a transaction; answers the locks that it takes on the table till its end. */
async function locksOf(context: TestContext, sql: string): Promise<string[]> {
  await writer.longest()
  await session.query('BEGIN')
  const start = performance.now()
  await session.query(sql)
  const { rows: found } = await session.query(`${locks} pg_backend_pid()`)
  await session.query('COMMIT')
  await note(context, sql, performance.now() - start)
  return found.map(({ mode }) => String(mode))
}

/** Figures for the page. They are not asserted: machines differ. */
async function note(context: TestContext, sql: string, heldMs: number): Promise<void> {
  const waited = await writer.longest()
  await context.annotate(`${sql}: ${heldMs.toFixed(1)} ms, a write took ${waited.toFixed(1)} ms`)
}

test('PostgreSQL has no UPDATE with LIMIT', async () => {
  const update = session.query("UPDATE users SET email = 'x' WHERE email IS NULL LIMIT 1000")
  await expect(update).rejects.toThrow('syntax error at or near "LIMIT"')
})

test('what a write takes while nothing else happens', async (context) => {
  const start = performance.now()
  const longest: number[] = []
  for (let at = 0; at < 20; at++) longest.push(await writer.longest())
  const took = Math.max(...longest).toFixed(1)
  const { rows: server } = await session.query('SHOW server_version')
  await context.annotate(`PostgreSQL ${server[0].server_version}`)
  await context.annotate(`nothing, for ${(performance.now() - start).toFixed()} ms: ${took} ms`)
  expect(longest.every((ms) => ms > 0)).toBe(true)
})

test('1. a column with a constant default changes no row', async (context) => {
  const filenode = "SELECT pg_relation_filenode('users') AS node"
  const before = await session.query(filenode)
  const add = "ALTER TABLE users ADD COLUMN plan varchar(50) DEFAULT 'free'"
  expect(await locksOf(context, add)).toEqual(['AccessExclusiveLock'])
  const { rows: after } = await session.query(filenode)
  expect(after).toEqual(before.rows)
  const { rows: none } = await session.query(
    'SELECT count(*)::int AS n FROM users WHERE plan IS NULL',
  )
  expect(none).toEqual([{ n: 0 }])

  expect(await locksOf(context, 'ALTER TABLE users ADD COLUMN status varchar(50)')).toEqual([
    'AccessExclusiveLock',
  ])
  const setDefault = "ALTER TABLE users ALTER COLUMN status SET DEFAULT 'active'"
  expect(await locksOf(context, setDefault)).toEqual(['AccessExclusiveLock'])
})

test('2. a backfill locks rows of one batch', async (context) => {
  await writer.longest()
  const start = performance.now()
  const running = platform.neon(
    'backfill',
    '--table',
    'users',
    '--set',
    "status = 'active'",
    '--where',
    'status IS NULL',
    '--batch',
    '1000',
    '--pause',
    '1',
    '-o',
    'json',
  )
  const seen = new Set<string>()
  await Promise.all([
    running,
    until(async () => {
      const { rows: found } = await session.query(
        `${locks} ANY (SELECT pid FROM pg_stat_activity WHERE application_name = 'coppice backfill')`,
      )
      for (const { mode } of found) seen.add(mode)
      return seen.has('RowExclusiveLock')
    }, 'a batch runs'),
  ])
  seen.delete('AccessShareLock')
  expect([...seen]).toEqual(['RowExclusiveLock'])
  expect(JSON.parse(await running)).toMatchObject({ rows_updated: rows, remaining_rows: 0 })
  await note(context, 'backfill', performance.now() - start)
})

test('3. NOT NULL by a constraint that is validated beside writers', async (context) => {
  const add = 'ALTER TABLE users ADD CONSTRAINT status_set CHECK (status IS NOT NULL) NOT VALID'
  expect(await locksOf(context, add)).toEqual(['AccessExclusiveLock'])
  const validate = 'ALTER TABLE users VALIDATE CONSTRAINT status_set'
  expect(await locksOf(context, validate)).toContain('ShareUpdateExclusiveLock')

  const notices: string[] = []
  const listen = ({ message }: { message?: string | undefined }) => notices.push(message ?? '')
  session.on('notice', listen)
  await session.query('SET client_min_messages = debug1')
  const set = 'ALTER TABLE users ALTER COLUMN status SET NOT NULL'
  expect(await locksOf(context, set)).toContain('AccessExclusiveLock')
  await session.query('RESET client_min_messages')
  session.off('notice', listen)
  expect(notices.join('\n')).toMatch(/existing constraints on column "users.status" are sufficient/)
  expect(await locksOf(context, 'ALTER TABLE users DROP CONSTRAINT status_set')).toEqual([
    'AccessExclusiveLock',
  ])
})

test('4. an index that is built concurrently', async (context) => {
  // It waits for this transaction, and can be looked at so long.
  const other = await connect()
  await other.query('BEGIN')
  await other.query('UPDATE users SET seen = 0 WHERE id = -1')
  await writer.longest()
  const start = performance.now()
  await session.query('SET lock_timeout = 0')
  const { rows: own } = await session.query('SELECT pg_backend_pid() AS pid')
  const index = 'CREATE INDEX CONCURRENTLY users_status ON users (status)'
  const building = session.query(index)
  const held = async () => (await other.query(`${locks} ${own[0].pid}`)).rows
  await until(async () => (await held()).length > 0, 'the index is begun')
  expect(await held()).toEqual([{ mode: 'ShareUpdateExclusiveLock' }])
  await other.query('COMMIT')
  await building
  await note(context, index, performance.now() - start)
  await other.end()
})

test('without the recipe: NOT NULL and the index stop every writer while they scan', async (context) => {
  const set = 'ALTER TABLE users ALTER COLUMN plan SET NOT NULL'
  expect(await locksOf(context, set)).toContain('AccessExclusiveLock')
  expect(await locksOf(context, 'CREATE INDEX users_plan ON users (plan)')).toContain('ShareLock')
})
