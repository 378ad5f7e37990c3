import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import createSql from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { exec } from '../../lib/exec.ts'
import { type PoolFixture, startPoolFixture } from '../../testing/pool-fixture.ts'
import { hasPsql, psql } from '../../testing/psql.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'

const installations = await findInstallations()
const canPsql = await hasPsql()

describe.each(installations)('PostgreSQL $version', (installation) => {
  let fixture: PoolFixture

  beforeAll(async () => {
    fixture = await startPoolFixture(installation)
  })
  afterAll(async () => fixture?.stop())

  describe.each([
    { pool_mode: 'transaction', default_pool_size: '2' },
    { pool_mode: 'session', default_pool_size: '12' },
  ])('$pool_mode pooling', (settings) => {
    let sql: createSql.Sql

    beforeAll(async () => fixture.configure(settings))
    beforeEach(async () => {
      sql = createSql(fixture.uri, { max: 5, onnotice: () => undefined })
      await sql`drop table if exists numbers`
      await sql`create table numbers (n int primary key, text text)`
    })
    afterEach(async () => {
      await sql.end({ timeout: 5 })
      await until(async () => (await fixture.pools.report({})).clients.length === 0)
    })

    describe.skipIf(!canPsql)('psql', () => {
      test('runs statements one by one, with errors and notices between them', async () => {
        const result = await psql(
          fixture.uri,
          `\\set ON_ERROR_STOP 0
show pool_mode;
insert into numbers values (1, 'one'), (2, 'two');
selec 1;
begin;
insert into numbers values (1, 'again');
rollback;
do $$begin raise notice 'told'; end$$;
select count(*), max(text) from numbers \\gdesc
select count(*) from numbers;
`,
        )
        expect(result.stdout).toBe(
          `${settings.pool_mode}\nINSERT 0 2\nBEGIN\nROLLBACK\nDO\ncount|bigint\nmax|text\n2\n`,
        )
        expect(result.stderr).toMatch(/syntax error[^]*duplicate key[^]*NOTICE: {2}told/)
      })

      test('copies in and out, and what fails in between leaves nothing', async () => {
        const result = await psql(
          fixture.uri,
          `\\set ON_ERROR_STOP 0
\\copy numbers (n) from program 'seq 1 20000'
\\copy numbers (n) from program 'echo 20001; echo x'
\\copy nowhere from program 'seq 1 20000'
\\copy (select n from numbers order by n) to program 'sort -n | tail -1'
copy (select count(*) from numbers) to stdout;
copy (select 1 / (n - 5) from numbers) to stdout;
`,
        )
        expect(result.stdout).toMatch(/^COPY 20000\n[^]*20000\n[^]*20000\n/)
        expect(result.stderr).toMatch(/invalid input syntax[^]*does not exist[^]*division by zero/)
      })

      test('fetches by a cursor', async () => {
        await sql`insert into numbers select i from generate_series(1, 1000) i`
        const result = await psql(
          fixture.uri,
          '\\set FETCH_COUNT 7\nselect n from numbers order by n;\nselect 1;\n',
        )
        const all = Array.from({ length: 1000 }, (_, index) => `${index + 1}\n`).join('')
        expect(result).toEqual({ code: 0, stdout: `${all}1\n`, stderr: '' })
      })

      test('cancels its own query and no other', async () => {
        const others = Promise.all([sql`select pg_sleep(0)`, sql`select 1 as kept`])
        const active = "select from pg_stat_activity where query = 'select pg_sleep(60);'"
        const sleeping = until(async () => (await fixture.postgres.sql(active)).length === 1)
        const result = await psql(fixture.uri, 'select pg_sleep(60);', {}, sleeping)
        expect(result.stderr).toContain('canceling statement due to user request')
        expect((await others)[1]).toEqual([{ kept: 1 }])
        expect(await sql`select 2 as next`).toEqual([{ next: 2 }])
      })
    })

    describe('postgres.js', () => {
      test('prepares by itself, on more connections than there are', async () => {
        const rows = await Promise.all(
          Array.from({ length: 200 }, async (_, n) => sql`select ${n}::int + ${n % 7}::int as sum`),
        )
        const expected = Array.from({ length: 200 }, (_, n) => ({ sum: n + (n % 7) }))
        expect(rows.map(([row]) => row)).toEqual(expected)
      })

      test('keeps transactions apart, with savepoints and failures', async () => {
        const transfer = async (n: number) =>
          sql.begin(async (tx) => {
            await tx`insert into numbers values (${n}, 'kept')`
            await tx
              .savepoint(async (point) => {
                await point`insert into numbers values (${n}, 'twice')`
              })
              .catch(() => undefined)
            if (n % 3 === 0) throw new Error('changed my mind')
          })
        const ends = await Promise.allSettled(
          Array.from({ length: 30 }, async (_, n) => transfer(n)),
        )
        expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(10)
        expect(await sql`select count(*)::int, min(text) as text from numbers`).toEqual([
          { count: 20, text: 'kept' },
        ])
      })

      test('reads by a portal in parts', async () => {
        const parts: number[] = []
        await sql`select generate_series(1, 10) as n`.cursor(4, (rows) => {
          parts.push(rows.length)
        })
        expect(parts).toEqual([4, 4, 2])
      })

      test('copies in', async () => {
        const lines = Array.from({ length: 5000 }, (_, n) => `${n}\t${'x'.repeat(n % 50)}\n`)
        await pipeline(Readable.from(lines), await sql`copy numbers from stdin`.writable())
        expect(await sql`select count(*)::int, max(length(text)) from numbers`).toEqual([
          { count: 5000, max: 49 },
        ])
      })

      test('listens, on a connection that it keeps', async () => {
        const heard: string[] = []
        const listening = await sql.listen('news', (payload) => heard.push(payload))
        await Promise.all(['a', 'b', 'c'].map(async (text) => sql.notify('news', text)))
        await until(() => heard.length === 3)
        expect(heard.toSorted()).toEqual(['a', 'b', 'c'])
        const { clients } = await fixture.pools.report({})
        const pinned = clients.flatMap(({ pinnedBecause }) => pinnedBecause)
        expect(pinned).toEqual(
          settings.pool_mode === 'transaction' ? ['LISTEN on channel news'] : [],
        )
        await listening.unlisten()
      })

      test('finds the new columns of what others have prepared before they were added', async () => {
        const all = async (by: createSql.Sql) => by`select * from numbers`
        await sql`insert into numbers values (1, 'one')`
        await Promise.all(Array.from({ length: 10 }, async () => all(sql)))
        await sql`alter table numbers add column more int default 5`
        const later = createSql(fixture.uri, { max: 5 })
        try {
          const rows = await Promise.all(Array.from({ length: 10 }, async () => all(later)))
          expect(rows.flat()).toEqual(
            Array.from({ length: 10 }, () => ({ n: 1, text: 'one', more: 5 })),
          )
        } finally {
          await later.end()
        }
      })

      test('cancels', async () => {
        const sleeping = sql`select pg_sleep(60)`
        const active = "select from pg_stat_activity where query like 'select pg_sleep(60)%'"
        const cancelling = until(
          async () => (await fixture.postgres.sql(active)).length === 1,
        ).then(() => sleeping.cancel())
        await expect(sleeping).rejects.toMatchObject({ code: '57014' })
        await cancelling
        expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
      })

      test('has its own settings on every connection', async () => {
        const named = (name: string) =>
          createSql(fixture.uri, { max: 2, connection: { application_name: name, TimeZone: name } })
        const zones = ['Asia/Tokyo', 'America/Lima', 'UTC']
        const pools = zones.map(named)
        const shown = await Promise.all(
          Array.from({ length: 20 }, async () =>
            Promise.all(
              pools.map(
                async (pool) => pool`
                  select current_setting('application_name') as name, current_setting('TimeZone') as zone`,
              ),
            ),
          ),
        )
        for (const rows of shown)
          expect(rows.flat()).toEqual(zones.map((zone) => ({ name: zone, zone })))
        await Promise.all(pools.map(async (pool) => pool.end({ timeout: 5 })))
      })
    })

    test('node-postgres: named statements, transactions, COPY by its connection', async () => {
      expect(await runScript(nodePostgres, fixture.uri)).toEqual({
        sums: 4950,
        duplicate: '23505',
        copied: ['COPY 3', '22P02', '57014'],
        rows: '4',
        reused: "Prepared statements must be unique - 'add' was used for a different statement",
      })
    })

    test('Drizzle: queries, prepared queries, transactions', async () => {
      expect(await runScript(drizzle, fixture.uri)).toEqual({
        prepared: Array.from({ length: 20 }, (_, n) => [{ text: `text ${n}` }]),
        inside: 20,
        after: 20,
        joined: [{ n: 3, text: 'text 3' }],
      })
    })
  })
})

/**
 * Runs a module in a process of its own, as an application is: its packages do not load under the
 * runner's conditions. It knows `uri` and ends with `answer(value)`.
 */
async function runScript(script: string, uri: string): Promise<unknown> {
  const preface = `const uri = ${JSON.stringify(uri)}
const answer = (value) => process.stdout.write(JSON.stringify(value))`
  const chdir = `process.chdir(${JSON.stringify(import.meta.dirname)})`
  const output = await exec(process.execPath, [
    '--input-type=module',
    '--import',
    `data:text/javascript,${chdir}`,
    '--eval',
    `${preface}\n${script}`,
  ])
  return JSON.parse(output)
}

const nodePostgres = `
import pg from 'pg'
const pool = new pg.Pool({ connectionString: uri, max: 5 })

// The same name on each of its connections, which share those to PostgreSQL.
const statement = { name: 'same', text: 'select $1::int as n' }
const results = await Promise.all(
  Array.from({ length: 100 }, (_, n) => pool.query({ ...statement, values: [n] })),
)
const sums = results.reduce((sum, { rows }) => sum + rows[0].n, 0)

const client = await pool.connect()
await client.query('begin')
await client.query({ name: 'add', text: 'insert into numbers values ($1, $2)', values: [1, 'one'] })
await client.query('commit')
await client.query('begin')
const duplicate = await client.query({ name: 'add', values: [1, 'again'] }).catch(({ code }) => code)
await client.query('rollback')

// It has no COPY of its own; this is what packages for it build on.
const copy = (act) =>
  new Promise((resolve) => {
    let outcome
    client.query({
      submit: (connection) => connection.query('copy numbers from stdin'),
      handleCopyInResponse: act,
      handleCommandComplete: ({ text }) => (outcome = text),
      handleError: ({ code }) => {
        outcome = code
        // The driver calls no handler after an error.
        client.connection.once('readyForQuery', () => resolve(outcome))
      },
      handleReadyForQuery: () => resolve(outcome),
    })
  })
const line = (text) => Buffer.from(text)
const copied = [
  await copy((connection) => {
    for (const n of [2, 3, 4]) connection.sendCopyFromChunk(line(n + '\\ttext\\n'))
    connection.endCopyFrom()
  }),
  await copy((connection) => {
    connection.sendCopyFromChunk(line('x\\ttext\\n'))
    connection.endCopyFrom()
  }),
  await copy((connection) => connection.sendCopyFail('gave up')),
]
const { rows } = await client.query('select count(*) from numbers')
const reused = await client.query({ name: 'add', text: 'select 1' }).catch(({ message }) => message)
client.release()
await pool.end()
answer({ sums, duplicate, copied, rows: rows[0].count, reused })
`

const drizzle = `
import { and, eq, gt, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
const numbers = pgTable('numbers', { n: integer('n').primaryKey(), text: text('text') })
const pool = new pg.Pool({ connectionString: uri, max: 5 })
const db = drizzle(pool)
await db.insert(numbers).values(Array.from({ length: 20 }, (_, n) => ({ n, text: 'text ' + n })))
const byNumber = db
  .select({ text: numbers.text })
  .from(numbers)
  .where(eq(numbers.n, sql.placeholder('n')))
  .prepare('by_number')
const prepared = await Promise.all(Array.from({ length: 20 }, (_, n) => byNumber.execute({ n })))
let inside
await db
  .transaction(async (tx) => {
    await tx.update(numbers).set({ text: 'changed' }).where(gt(numbers.n, -1))
    inside = await tx.$count(numbers, eq(numbers.text, 'changed'))
    tx.rollback()
  })
  .catch(() => undefined)
const after = await db.$count(numbers, gt(numbers.text, 'text'))
const joined = await db.select().from(numbers).where(and(gt(numbers.n, 2), eq(numbers.text, 'text 3')))
await pool.end()
answer({ prepared, inside, after, joined })
`
