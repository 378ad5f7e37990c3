import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type Planned, planQueries } from './plans.ts'
import { findInstallations, startPostgres, type TestPostgres } from './testing/postgres.ts'

const installations = await findInstallations()

describe.each(installations)('plans by %s', (binDirectory) => {
  let postgres: TestPostgres

  beforeAll(async () => {
    postgres = await startPostgres(binDirectory)
    await postgres.sql('postgres').unsafe(`
      create table people (id int primary key, name text);
      insert into people select n, 'p' || n from generate_series(1, 1000) n;
      analyze people;
      create function spring() returns int language plpgsql as $$
        begin create table sprung (); return 1; end $$;
      create function trap() returns int language plpgsql immutable as $$
        begin return spring(); end $$;
      create function untie() returns int language plpgsql immutable as $$
        begin perform set_config('default_transaction_read_only', 'off', false); return 1; end $$`)
  })
  afterAll(async () => postgres?.stop())

  const plan = async (...queries: string[]): Promise<Array<Planned | undefined>> => {
    const recorded = queries.map((query) => ({ query, calls: 1 }))
    const plans = await planQueries(postgres.database('postgres'), recorded)
    return queries.map((query) => plans.get(query))
  }
  const tables = async (): Promise<string[]> =>
    (
      await postgres.sql('postgres')<{ name: string }[]>`
        select relname as name from pg_class where relname in ('injected', 'sprung')`
    ).map(({ name }) => name)

  test('are of any parameters, for what reads and what writes', async () => {
    const scan = 'Index Scan on people using people_pkey'
    expect(
      await plan(
        'select name from people where id = $1',
        'update people set name = $1 where id = $2',
        'select nothing from nowhere',
        'values (1)',
      ),
    ).toMatchObject([
      { shape: scan },
      { shape: `ModifyTable on people (${scan})` },
      { error: 'relation "nowhere" does not exist' },
      { shape: expect.any(String) },
    ])
  })

  test('of a text that ends the query and goes on run nothing of it', async () => {
    const single = { error: 'cannot insert multiple commands into a prepared statement' }
    const namespace = String.raw`select * from xmltable(xmlnamespaces('a\' as x), '' passing (null::xml) columns a text); create table injected (); --' as x), $1 passing (null::xml) columns a text)`
    expect(await plan('select 1; create table injected ()', namespace)).toEqual([single, single])
    expect(await tables()).toEqual([])
  })

  test('of what calls a function that planning evaluates write nothing', async () => {
    const [untied, sprung, after] = await plan(
      'select untie()',
      'select trap()',
      'select id from people',
    )
    expect(untied).toHaveProperty('shape')
    expect(sprung).toEqual({ error: 'cannot execute CREATE TABLE in a read-only transaction' })
    expect(after).toMatchObject({ shape: 'Seq Scan on people' })
    expect(await tables()).toEqual([])
  })
})
