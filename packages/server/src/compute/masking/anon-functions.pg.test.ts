import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Compute } from '../compute.ts'
import { clusterAt, platformDatabase } from '../superuser.ts'
import { createWorkbench, majorVersions, type Workbench } from '../testing/cluster.ts'
import { createSpec } from '../testing/spec.ts'
import { createAnonFunctions } from './anon-functions.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

/** Each function, called as documented, with a pattern of what it answers. */
const calls: [expression: string, pattern: RegExp][] = [
  ...['first_name', 'last_name', 'name', 'city', 'country', 'company', 'address'].flatMap(
    (kind): [string, RegExp][] => [
      [`anon.fake_${kind}()`, /^[A-Z\d]/],
      [`anon.pseudo_${kind}('Ann'::varchar)`, /^[A-Z\d]/],
    ],
  ),
  ['anon.fake_email()', /^[a-z]+\.[\da-f]{16}@example\.com$/],
  ["anon.pseudo_email('a@b.c'::text)", /^[a-z]+\.[\da-f]{16}@example\.com$/],
  ['anon.hash(42)', /^[\da-f]{64}$/],
  ['anon.pseudo_uuid(gen_random_uuid())', /^[\da-f-]{36}$/],
  ['anon.pseudo_bigint(7)', /^\d+$/],
  ["anon.pseudo_phone('1'::text)", /^\+999\d{10}$/],
  ["anon.random_phone('+49')", /^\+49\d{10}$/],
  ['anon.random_string(12)', /^[a-z]{12}$/],
  ['anon.random_zip()', /^\d{5}$/],
  ['anon.random_int_between(3, 4)', /^[34]$/],
  ['anon.random_bigint_between(3, 4)', /^[34]$/],
  ["anon.random_date_between('2020-01-01', '2020-12-31')", /^2020-/],
  ['anon.random_date()', /^\d{4}-/],
  ["anon.random_in(array['a', 'b'])", /^[ab]$/],
  ['anon.lorem_ipsum(3)', /^\w+ \w+ \w+$/],
  ['anon.noise(100, 0.1)', /^(?:9\d|10\d|110)$/],
  ['anon.noise(100.00::numeric(10,2), 0.1)', /^(?:9|10|11)/],
  ["anon.dnoise(date '2020-06-15', interval '2 days')", /^2020-06-1\d$/],
  ["anon.partial('0123456789', 2, '***', 3)", /^01\*\*\*789$/],
  ["anon.partial('0123', 2, '***', 3)", /^\*\*\*$/],
  ["anon.partial_email('jane@work.org')", /^j\*{6}@w\*{6}$/],
]

describe.each(majorVersions)('masking functions in PostgreSQL %d', (majorVersion) => {
  let compute: Compute

  beforeAll(async () => {
    const host = await bench.startHost(`host-${majorVersion}`)
    const dataDirectory = await bench.createCluster(majorVersion)
    compute = await host.put(
      createSpec(dataDirectory, { pgVersion: majorVersion, endpointId: `ep-${majorVersion}` }),
    )
    await compute.withSuperuser(platformDatabase, async (sql) => {
      await sql`create role reader`
      await createAnonFunctions(sql, 'reader')
    })
  })

  afterAll(async () => compute?.suspend({ force: true }))

  const asReader = async <T>(key: string, work: (sql: Sql) => Promise<T>): Promise<T> =>
    // A connection of its own: the shared ones of a compute are several.
    clusterAt(await compute.socketDirectory()).withSuperuser(platformDatabase, async (sql) => {
      await sql`set role reader`
      await sql`select set_config('anon.key', ${key}, false)`
      return work(sql)
    })

  const valueOf = async (sql: Sql, expression: string): Promise<string | null> => {
    const [row] = await sql.unsafe<{ value: string | null }[]>(
      `select (${expression})::text as value`,
    )
    return row?.value ?? null
  }

  test('each answers what it is for', async () => {
    await asReader('key', async (sql) => {
      for (const [expression, pattern] of calls) {
        expect({ expression, value: await valueOf(sql, expression) }).toEqual({
          expression,
          value: expect.stringMatching(pattern),
        })
      }
    })
  })

  test('equal values become equal under one key, whatever their type, and others under another', async () => {
    const expressions = ["anon.hash('7'::text)", 'anon.hash(7)', 'anon.pseudo_email(7)']
    const under = async (key: string) =>
      asReader(key, async (sql) => {
        const values: (string | null)[] = []
        for (const expression of expressions) values.push(await valueOf(sql, expression))
        return values
      })
    const first = await under('one')
    expect(first[0]).toBe(first[1])
    expect(await under('one')).toEqual(first)
    for (const [at, value] of (await under('two')).entries()) expect(value).not.toBe(first[at])
  })

  test('null stays null', async () => {
    await asReader('key', async (sql) => {
      for (const name of ['hash', 'pseudo_name', 'pseudo_email', 'partial_email']) {
        expect(await valueOf(sql, `anon.${name}(null::text)`)).toBeNull()
      }
    })
  })
})
