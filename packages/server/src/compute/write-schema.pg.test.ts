import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { readSchema } from '../schema/read-schema.ts'
import { renderSchema } from '../schema/render-schema.ts'
import { tortureRoles, tortureSchema } from '../schema/testing/torture.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { copyEmptyDatabases } from './copy-databases.ts'
import { copyRoles } from './copy-roles.ts'
import { copySettings } from './copy-settings.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'
import { writeSchemas } from './write-schema.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

/** A user's own doings with roles, databases and settings. */
const clusterWide = String.raw`
create role "group; x" noinherit connection limit 3 valid until '2040-01-01 00:00:00+00';
create role "chief" createrole;
grant "group; x" to chief with admin option;
set role chief;
grant "group; x" to "app.owner";
reset role;
grant pg_read_all_stats to "app.owner";
grant "group; x" to neon_superuser;
comment on role chief is 'it''s the chief';
alter role "app.owner" set search_path = "$user", public, "a ""b";
alter role "app.owner" set work_mem = '12MB';
alter role chief in database app set "my.own" = E'it''s\\';
alter role all set lock_timeout = '7s';
alter database app set default_transaction_read_only = on;
alter database app set role = 'chief';
grant create on database app to chief with grant option;
revoke temporary on database app from public;
comment on database app is 'it''s the app';
create database "other; one" owner chief connection limit 5;
create database german owner chief template template0 lc_collate 'C' lc_ctype 'C';
`

const clusterState = `
select json_build_object(
  'roles', (select json_agg(to_jsonb(a) - 'oid' - 'rolvaliduntil'
      || jsonb_build_object('until', nullif(rolvaliduntil, 'infinity'),
        'comment', shobj_description(oid, 'pg_authid')) order by rolname)
    from pg_authid a where rolname !~ '^pg_'),
  'memberships', (select json_agg(to_jsonb(m) - '{oid,roleid,member,grantor}'::text[]
      || jsonb_build_object('role', roleid::regrole, 'member', member::regrole, 'by', grantor::regrole)
      order by roleid::regrole::text, member::regrole::text, grantor::regrole::text)
    from pg_auth_members m),
  'settings', (select json_agg(jsonb_build_array(d.datname, setrole::regrole, setconfig)
      order by d.datname, setrole::regrole::text)
    from pg_db_role_setting left join pg_database d on d.oid = setdatabase),
  'databases', (select json_agg(to_jsonb(d)
      - '{oid,datdba,datfrozenxid,datminmxid,dattablespace,datlastsysoid,datacl}'::text[]
      || jsonb_build_object('owner', datdba::regrole,
        'acl', (select array_agg(x::text order by x::text) from unnest(datacl) x),
        'comment', shobj_description(oid, 'pg_database')) order by datname)
    from pg_database d)) as state`

describe.each(majorVersions)('a cluster of PostgreSQL %d made after another', (majorVersion) => {
  let from: Compute
  let to: Compute

  beforeAll(async () => {
    const host = await bench.startHost(`host-${majorVersion}`)
    const create = async (name: string): Promise<Compute> =>
      host.put(
        createSpec(await bench.createCluster(majorVersion), {
          pgVersion: majorVersion,
          endpointId: `${name}-${majorVersion}`,
        }),
      )
    from = await create('from')
    to = await create('to')
    await bootstrapCluster(from, await ownerBootstrap())
    await run(from, 'postgres', tortureRoles)
    await run(from, owner.database, tortureSchema(majorVersion))
    await run(from, owner.database, 'insert into public.empty default values')
    // CREATE DATABASE has to be a statement of its own.
    for (const statement of clusterWide.trim().split(';\n')) await run(from, 'postgres', statement)
    await copyAll()
  })

  afterAll(async () => {
    await from?.suspend({ force: true })
    await to?.suspend({ force: true })
  })

  async function copyAll(): Promise<void> {
    await copyRoles(from, to)
    await writeSchemas(from, to, await copyEmptyDatabases(from, to))
    await copySettings(from, to)
  }

  async function run(compute: Compute, database: string, script: string): Promise<void> {
    await compute.withSuperuser(database, async (sql) => sql.unsafe(script))
  }

  const schemaOf = async (compute: Compute, database: string): Promise<string> =>
    compute.withSuperuser(database, async (sql) => renderSchema(await readSchema(sql)))

  const stateOf = async (compute: Compute): Promise<unknown> =>
    compute.withSuperuser('postgres', async (sql) => (await sql.unsafe(clusterState))[0]?.['state'])

  test('has its roles with passwords, memberships and settings, and its databases', async () => {
    const state = await stateOf(to)
    expect(state).toEqual(await stateOf(from))
    expect(JSON.stringify(state)).not.toContain('coppice_writer')
    const sql = connectAs((await to.wake()).socketPath, { ...owner, database: 'other; one' })
    expect(await sql`show work_mem`).toEqual([{ work_mem: '12MB' }])
    await sql.end()
  })

  test('has its schemas and no rows', async () => {
    for (const database of [owner.database, 'other; one', 'german']) {
      expect(await schemaOf(to, database)).toBe(await schemaOf(from, database))
    }
    const rows = await to.withSuperuser(
      owner.database,
      async (sql) => sql`select count(*)::integer as count from public.empty`,
    )
    expect(rows).toEqual([{ count: 0 }])
  })

  test('comes out the same when it is made once more', async () => {
    await copyAll()
    expect(await stateOf(to)).toEqual(await stateOf(from))
    expect(await schemaOf(to, owner.database)).toBe(await schemaOf(from, owner.database))
  })

  test('never runs what a user wrote as the superuser', async () => {
    await run(from, 'postgres', 'create database trap owner chief')
    await run(
      from,
      'trap',
      `create function public.spring() returns boolean language plpgsql immutable as $$
         begin
           if (select rolsuper from pg_roles where rolname = session_user) then
             raise exception 'run by the superuser %', session_user;
           end if;
           return true;
         end $$;
       create domain public.bait as integer check (public.spring());`,
    )
    // The bound of a partition is checked by its domain when the partition is made.
    const probe = `create table public.baited (n public.bait) partition by list (n);
      create table public.baited_1 partition of public.baited for values in (1);`
    await expect(run(from, 'trap', probe)).rejects.toThrow('run by the superuser')
    await run(
      from,
      'trap',
      'create or replace function public.spring() returns boolean language sql immutable as $$select true$$',
    )
    await run(from, 'trap', probe)
    await run(
      from,
      'trap',
      `create or replace function public.spring() returns boolean language plpgsql immutable as $$
         begin
           if (select rolsuper from pg_roles where rolname = session_user) then
             raise exception 'run by the superuser';
           end if;
           return true;
         end $$`,
    )
    await copyAll()
    expect(await schemaOf(to, 'trap')).toBe(await schemaOf(from, 'trap'))
  })

  test('says so where there is what only a superuser can make', async () => {
    await run(from, 'postgres', 'create database theirs owner chief')
    await run(
      from,
      'theirs',
      'create function public.pid() returns integer language internal as $$pg_backend_pid$$',
    )
    await expect(copyAll()).rejects.toThrow(/database theirs has something that only a superuser/)
    await run(from, 'postgres', 'drop database theirs with (force)')
    await copyAll()
  })
})
