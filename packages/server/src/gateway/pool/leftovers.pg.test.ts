import createSql, { type Sql } from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { keysOfPassword, parseVerifier } from '../../lib/scram.ts'
import {
  type PoolFixture,
  poolDatabase,
  poolEndpointId,
  poolPassword,
  poolRole,
  startPoolFixture,
} from '../../testing/pool-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
import { describe as shown, openTcp, startupPacket, wireClient } from '../../testing/wire-client.ts'
import { parseDataRow, queryMessages, sync } from '../http/query-messages.ts'
import { message } from '../wire/messages.ts'
import type { PoolClientDetails } from './lease.ts'

/** What one client may leave in its session, unseen by whoever reads its text alone. */
const remains = [
  "select set_config('search_path', 'evil', false)",
  "select set_config('app.user', 'mallory', false)",
  "select set_config('default_transaction_read_only', 'on', false)",
  "select set_config('work_mem', '64kB', false)",
  'select pg_advisory_lock(7)',
]

/** All of it at once, as anybody else finds it. */
const findings = `
  select current_setting('search_path'), coalesce(current_setting('app.user', true), ''),
    current_setting('default_transaction_read_only'), current_setting('work_mem'),
    (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
    (select count(*) from pg_prepared_statements where from_sql),
    (select count(*) from pg_listening_channels()), (select count(*) from pg_cursors),
    coalesce(to_regclass('pg_temp.left_behind')::text, ''), pg_backend_pid()`

describe.each(await findInstallations())('PostgreSQL $version', (installation) => {
  let fixture: PoolFixture
  let client: PoolClientDetails

  beforeAll(async () => {
    fixture = await startPoolFixture(installation)
    await fixture.configure({ default_pool_size: '1' })
    const { controlPlane } = fixture
    const verifier = (await controlPlane.findVerifier(poolEndpointId, poolRole)) ?? ''
    const parsed = must(parseVerifier(verifier), 'it is a SCRAM verifier')
    client = {
      endpointId: poolEndpointId,
      role: poolRole,
      database: poolDatabase,
      keys: must(await keysOfPassword(poolPassword, parsed), 'the password is right'),
      variables: new Map([['application_name', 'lent']]),
      clientAddress: '127.0.0.1',
      quiet: false,
      via: 'http',
    }
  })
  afterAll(async () => fixture?.stop())
  afterEach(async () => {
    await until(async () =>
      (await fixture.pools.report({})).servers.every(({ state }) => state === 'idle'),
    )
  })

  /** One request; the values of its last row. */
  async function request(
    asked: string | { text: string; variables: PoolClientDetails['variables'] },
    ...parameters: string[]
  ): Promise<(string | null)[]> {
    const { text, variables } =
      typeof asked === 'string' ? { text: asked, variables: client.variables } : asked
    const lease = await fixture.pools.lease({ ...client, variables }, AbortSignal.timeout(15_000))
    let row: (string | null)[] = []
    let failure = ''
    try {
      const messages = Buffer.concat([queryMessages({ text, parameters }), sync])
      await lease.exchange(messages, (type, body) => {
        if (type === 'D') row = parseDataRow(body)
        if (type === 'E') failure = shown({ type, body: Buffer.from(body) })
      })
    } finally {
      lease.release()
    }
    if (failure !== '') throw new Error(failure)
    return row
  }

  test.each([
    {
      name: 'ts_stat',
      text: 'select count(*) from ts_stat($1)',
      inner: (sql: string) => `${sql}::text::tsvector`,
    },
    {
      name: 'query_to_xml',
      text: "select query_to_xml($1, true, true, '')",
      inner: (sql: string) => sql,
    },
  ])('what a text leaves that $name was given is gone for the next', async ({ text, inner }) => {
    const before = await request(findings)
    for (const remain of remains) await request(text, inner(remain))
    expect(await request(findings)).toEqual(before)
  })

  test('what functions leave is gone for the next', async () => {
    await request(`create or replace function leaves() returns void language plpgsql as $$ begin
      execute 'prep' || 'are p as select 1';
      execute 'lis' || 'ten jobs';
      execute 'cre' || 'ate te' || 'mp table left_behind (a int)';
      execute 'dec' || 'lare c cursor with ho' || 'ld for select 1';
    end $$`)
    const before = await request(findings)
    await request('select leaves()')
    expect(await request(findings)).toEqual(before)
  })

  test('nobody goes on where another has set the seed', async () => {
    const drawn = async () => {
      await request('select setseed(0.25)')
      return request('select random()')
    }
    expect(await drawn()).not.toEqual(await drawn())
  })

  describe('of two clients of one role', () => {
    const clients: Sql[] = []
    let alice: Sql
    let bob: Sql

    beforeAll(() => {
      const open = () => {
        const sql = createSql(fixture.uri, {
          max: 1,
          fetch_types: false,
          onnotice: () => undefined,
        })
        clients.push(sql)
        return sql
      }
      ;[alice, bob] = [open(), open()]
    })
    afterAll(async () => {
      await Promise.all(clients.map(async (sql) => sql.end({ timeout: 5 })))
    })

    // Else one that fails would let others fail.
    afterEach(async () => {
      await alice.unsafe('discard all').simple()
    })

    /** None pins. */
    const settings = remains.slice(0, 4)
    const asOne = `select concat(${settings.map((remain) => `(${remain})`).join(', ')})`

    test.each([
      {
        how: 'a text that ts_stat was given',
        leave: async () => alice.unsafe('select from ts_stat($1)', [`${asOne}::tsvector`]),
      },
      {
        how: 'a text that was put together',
        leave: async () =>
          alice.unsafe(
            `select query_to_xml(replace($q$${asOne.replaceAll('_config', '!')}$q$, '!', '_config'), true, true, '')`,
          ),
      },
      {
        how: 'the end of a long text',
        leave: async () =>
          alice.unsafe(`select 1 /* ${'x'.repeat(300_000)} */; ${settings.join(';')}`).simple(),
      },
    ])('$how leaves the other nothing, and the one what it has said', async ({ leave }) => {
      const before = await bob.unsafe(findings).values()
      await alice.unsafe("set app.own = 'mine'").simple()
      await leave()
      expect(await bob.unsafe(findings).values()).toEqual(before)
      expect(await alice.unsafe('show app.own')).toEqual([{ 'app.own': 'mine' }])
      await alice.unsafe('discard all')
    })

    /** A text in hex, for a function that runs it: nobody can read it there. */
    const hidden = (sql: string) => `'${Buffer.from(sql).toString('hex')}'`
    const decoded = "convert_from(decode(q, 'hex'), 'utf8')"

    test.each([
      { how: 'an expression', execute: `execute ${decoded}` },
      { how: 'a field', execute: `for x in select ${decoded} as q loop execute x.q; end loop` },
      { how: 'a name in quotes', execute: `"Q" := ${decoded}; execute "Q"` },
      { how: 'a loop', execute: `for x in execute ${decoded} loop end loop` },
    ])('EXECUTE of $how in a function leaves the other nothing', async ({ execute }) => {
      await alice.unsafe(`create or replace function runs(q text) returns void language plpgsql
        as $$ declare "Q" text; x record; begin ${execute}; end $$`)
      const before = await bob.unsafe(findings).values()
      await alice.unsafe(`select runs(${hidden(`${asOne} as a`)})`)
      expect(await bob.unsafe(findings).values()).toEqual(before)
    })

    test('a DO whose text was put together leaves the other nothing', async () => {
      const before = await bob.unsafe(findings).values()
      await alice.unsafe(
        `do $$ declare s text := 'se' || 't app."user" = 1'; begin execute s; end $$`,
      )
      expect(await bob.unsafe(findings).values()).toEqual(before)
    })

    // A name of its own: one that alice is known to have set is reset for bob anyway.
    test.each([{ name: 'app.validated', sql: 'alter table checked validate constraint c' }])(
      'a check that is run by $sql leaves the other nothing',
      async ({ name, sql }) => {
        await alice.unsafe(`create or replace function checks(a bigint) returns bool language plpgsql
        as $$ begin perform set_config('${name}', 'mallory', false); return true; end $$`)
        await alice.unsafe(`drop table if exists checked; create table checked (a int);
        insert into checked values (1);
        alter table checked add constraint c check (checks(a)) not valid`)
        await alice.unsafe('select 1')
        await alice.unsafe(sql)
        const found = await bob
          .unsafe(`select coalesce(current_setting('${name}', true), '')`)
          .values()
        expect(found).toEqual([['']])
        await alice.unsafe('drop table checked')
      },
    )

    describe('a statement that one has prepared', () => {
      beforeAll(async () => {
        await alice.unsafe(`create or replace function runs(q text) returns void language plpgsql
          as $$ begin execute ${decoded}; end $$`)
      })

      const own = "select 'own' as answer where $1::int = 1"
      const answers = async () =>
        (await bob.unsafe(own, [1], { prepare: true })).map((row) => row['answer'])
      const named = async () => {
        expect(await answers()).toEqual(['own'])
        const [row] = await alice.unsafe(
          "select name from pg_prepared_statements where statement like '%''own''%' and not from_sql",
        )
        return String(row?.['name'])
      }

      test.each([
        {
          how: 'a function',
          run: async (sql: string) => {
            await alice.unsafe(`select runs(${hidden(sql)})`)
          },
        },
        {
          how: 'a DO with its text',
          run: async (sql: string) => alice.unsafe(`do $do$ begin execute $q$${sql}$q$; end $do$`),
        },
        { how: 'its text', run: async (sql: string) => alice.unsafe(sql) },
      ])('is not taken away or replaced by $how', async ({ run }) => {
        const name = await named()
        await run(`deallocate "${name}"`)
        expect(await answers()).toEqual(['own'])
        const next = await named()
        await run(`deallocate "${next}"`).catch(() => undefined)
        await run(`prepare "${next}"(int) as select 'poison' as answer`).catch(() => undefined)
        await alice.unsafe('deallocate all')
        expect(await answers()).toEqual(['own'])
      })

      test('is not taken away by DEALLOCATE ALL in a DO', async () => {
        await named()
        await alice.unsafe("do $$ begin execute 'deallocate all'; end $$")
        expect(await answers()).toEqual(['own'])
      })

      test('is neither used nor closed by a message with its name', async () => {
        const name = await named()
        const wire = wireClient(await openTcp(fixture.port))
        wire.stream.write(startupPacket({ user: poolRole, database: poolDatabase }))
        await wire.nextUntil('Z')
        for (const part of [
          message('D', Buffer.from(`S${name}\0`)),
          message('B', Buffer.from(`\0${name}\0\0\0\0\x01\0\0\0\x01` + '1\0\0', 'latin1')),
          message('C', Buffer.from(`S${name}\0`)),
        ]) {
          wire.stream.write(Buffer.concat([part, sync]))
          const [answer] = await wire.nextUntil('Z')
          expect(answer?.type).toBe(part[0] === 0x43 ? '3' : 'E')
          if (answer?.type === 'E') await wire.nextUntil('Z')
        }
        wire.stream.destroy()
        expect(await answers()).toEqual(['own'])
      })
    })

    test('what nobody could know of a pooled client is gone for a request', async () => {
      await alice.unsafe('select 1')
      // Not through the pool, which looks for such functions when one is made there.
      const admin = createSql({
        path: fixture.postgres.socketPath,
        user: 'postgres',
        database: poolDatabase,
        max: 1,
        fetch_types: false,
        onnotice: () => undefined,
      })
      await admin.unsafe(`create or replace function unknown_yet() returns text language sql
        as $$ ${asOne} $$`)
      await admin.end({ timeout: 5 })
      const before = await request(findings)
      await alice.unsafe('select unknown_yet()')
      expect(await request(findings)).toEqual(before)
      await alice.unsafe('discard all')
    })
  })

  test('what a client has asked for under a name of its own is not shown to others of the role', async () => {
    const variables = new Map([...client.variables, ['app.user', 'a secret']])
    expect(await request({ text: "select current_setting('app.user')", variables })).toEqual([
      'a secret',
    ])
    await until(async () => {
      const [one] = (await fixture.pools.report({})).servers
      return one?.state === 'idle'
    })
    const [shown] = await fixture.postgres.sql(
      'select query, state from pg_stat_activity where usename = $1',
      [poolRole],
    )
    expect(shown).toMatchObject({ state: 'idle', query: expect.not.stringContaining('secret') })
    expect(await request("select coalesce(current_setting('app.user', true), '')")).toEqual([''])
  })

  test('the variables that a client has asked for stay on its connection', async () => {
    await request("set application_name = 'another'")
    expect(await request('show application_name')).toEqual(['lent'])
    const { servers } = await fixture.pools.report({})
    expect(servers.map(({ applicationName }) => applicationName)).toEqual(['lent'])
  })
})
