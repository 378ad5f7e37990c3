import { createHmac } from 'node:crypto'

import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { until } from '../testing/until.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench
const key = Buffer.from('a key of tokens'.repeat(2))

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

function seal(claims: object, by = key): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64')
  return `${createHmac('sha256', by).update(payload).digest('hex')}.${payload}`
}

async function untilSomebodyWaits(compute: Compute): Promise<void> {
  await until(async () => {
    const waiting = await compute.withSuperuser(
      'postgres',
      async (sql) => sql`select from pg_locks where not granted`,
    )
    return waiting.length > 0
  })
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

describe.each(majorVersions)('sessions of tokens on PostgreSQL %d', (majorVersion) => {
  let compute: Compute
  let sql: Sql

  beforeAll(async () => {
    const host = await bench.startHost(`host-${majorVersion}`)
    const spec = createSpec(await bench.createCluster(majorVersion), {
      pgVersion: majorVersion,
      endpointId: `ep-${majorVersion}`,
    })
    compute = await host.put(spec)
    await bootstrapCluster(compute, await ownerBootstrap())
    await compute.withSuperuser(owner.database, async (superuser) => {
      await superuser`create role authenticated login`
    })
    // The compute runs already, with files that know of no tokens.
    await host.put({ ...spec, jwks: [{ jwksUrl: 'https://idp.example', roleNames: [] }] })
    await Promise.all([1, 2, 3].map(async () => compute.prepareTokens(owner.database, key)))
    sql = connectAs((await compute.wake()).socketPath, {
      role: 'authenticated',
      password: 'of no use',
      database: owner.database,
    })
  })

  afterAll(async () => {
    await sql?.end()
    await compute?.suspend({ force: true })
  })

  async function userOf(value: string): Promise<unknown> {
    const [, row] = await sql.begin(async (transaction) => [
      await transaction`select set_config('coppice.jwt', ${value}, true)`,
      (await transaction`select auth.user_id() as id`)[0],
    ])
    return (row as { id: unknown } | undefined)?.id
  }

  test('the platform’s process is the role without a password, and nobody else is', async () => {
    expect([...(await sql`select session_user::text as role`)]).toEqual([{ role: 'authenticated' }])
    const asOwner = connectAs((await compute.wake()).socketPath, { ...owner, password: 'wrong' })
    await expect(asOwner`select 1`).rejects.toThrow('password authentication failed')
    await asOwner.end()
  })

  test('claims count where they are sealed with the key, and until they expire', async () => {
    expect(await userOf(seal({ sub: 'ä', exp: inSeconds(60) }))).toBe('ä')
    expect(await userOf(seal({ sub: 'a', exp: inSeconds(-10) }))).toBe('a')
    expect(await userOf(seal({ sub: 'a', exp: inSeconds(-40) }))).toBeNull()
    expect(await userOf(seal({ sub: 'a', exp: inSeconds(60) }, Buffer.from('another')))).toBeNull()
    expect(await userOf('')).toBeNull()
  })

  test('a role makes the extension itself, for its policies, and the platform takes it over', async () => {
    const own = connectAs((await compute.wake()).socketPath, owner)
    try {
      await own.unsafe('create database early')
    } finally {
      await own.end()
    }
    const early = connectAs((await compute.wake()).socketPath, { ...owner, database: 'early' })
    try {
      await early`create extension pg_session_jwt`
      await early`create table notes (id text)`
      await early`create policy p on notes using (id = auth.user_id())`
      expect([...(await early`select auth.user_id() as id`)]).toEqual([{ id: null }])
      await compute.prepareTokens('early', key)
      await early`select set_config('coppice.jwt', ${seal({ sub: 'a', exp: inSeconds(60) })}, false)`
      expect([...(await early`select auth.user_id() as id`)]).toEqual([{ id: 'a' }])
    } finally {
      await early.end()
    }
  })

  test('a table that a role puts in the place of the key’s is neither written to nor run', async () => {
    const { socketPath } = await compute.wake()
    const own = connectAs(socketPath, owner)
    try {
      await own.unsafe('create database swapped')
    } finally {
      await own.end()
    }
    const swapping = connectAs(socketPath, { ...owner, database: 'swapped' })
    try {
      await swapping`create extension pg_session_jwt`
      await swapping.unsafe('create table seen (who text); grant all on seen to public')
      let prepared: Promise<string> | undefined
      await swapping.begin(async (transaction) => {
        await transaction.unsafe(`
          drop extension pg_session_jwt;
          create schema auth;
          create table auth.token_key (one bool primary key default true, inner_pad bytea, outer_pad bytea);
          create function note() returns trigger language plpgsql as
            'begin insert into public.seen values (current_user); return new; end';
          create trigger trap before insert or update on auth.token_key
            for each row execute function note();`)
        prepared = compute.prepareTokens('swapped', key).then(
          () => 'prepared',
          (error: unknown) => String(error),
        )
        await untilSomebodyWaits(compute)
      })
      expect(await prepared).toContain('not the platform')
      expect([...(await swapping`select who from seen`)]).toEqual([])
    } finally {
      await swapping.end()
    }
  })

  test('another key takes the place of the one before', async () => {
    const other = Buffer.from('another key')
    await compute.prepareTokens(owner.database, other)
    expect(await userOf(seal({ sub: 'a', exp: inSeconds(60) }))).toBeNull()
    expect(await userOf(seal({ sub: 'a', exp: inSeconds(60) }, other))).toBe('a')
  })

  test('nothing that a role puts in the way is called by the functions', async () => {
    await compute.withSuperuser(owner.database, async (superuser) => {
      await superuser`create schema trap authorization authenticated`
    })
    await sql`create function trap.sha256(bytea) returns bytea language sql as 'select null::bytea'`
    await sql`create function trap.split_part(text, text, int) returns text language sql as 'select null'`
    await sql`set search_path = trap, pg_catalog`
    const other = Buffer.from('another key')
    expect(await userOf(seal({ sub: 'a', exp: inSeconds(60) }, other))).toBe('a')
  })
})
