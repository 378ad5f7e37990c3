import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createVerifier } from '../lib/scram.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { changeDatabaseOwner, createDatabase, dropDatabase, renameDatabase } from './databases.ts'
import { createRole, dropRole, grantReplication, setPassword } from './roles.ts'
import type { Cluster } from './superuser.ts'
import { connectAs, type Login, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

const verifierOf = async (password: string) => createVerifier(password, { iterations: 1 })

describe.each(majorVersions)('roles and databases of PostgreSQL %d', (majorVersion) => {
  let compute: Compute

  const as = async <T>(
    login: Partial<Login>,
    work: (sql: ReturnType<typeof connectAs>) => Promise<T>,
  ): Promise<T> => {
    const sql = connectAs((await compute.wake()).socketPath, { ...owner, ...login })
    try {
      return await work(sql)
    } finally {
      await sql.end()
    }
  }

  const databases = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await compute.catalog()).databases.map((one) => [one.name, one.owner]))

  beforeAll(async () => {
    const host = await bench.startHost(`host-${majorVersion}`)
    const dataDirectory = await bench.createCluster(majorVersion)
    compute = await host.put(
      createSpec(dataDirectory, { pgVersion: majorVersion, endpointId: `ep-${majorVersion}` }),
    )
    await bootstrapCluster(compute, await ownerBootstrap())
  })

  afterAll(async () => compute?.suspend({ force: true }))

  test('the first role owns the first database; a repeated step changes nothing', async () => {
    await bootstrapCluster(compute, await ownerBootstrap())
    expect(await databases()).toEqual({ [owner.database]: owner.role })
    const [row] = await as(
      {},
      async (sql) => sql`
      select rolsuper, rolreplication, rolcreatedb, rolcreaterole, rolbypassrls,
        pg_has_role(rolname, 'neon_superuser', 'member') as is_member
      from pg_roles where rolname = current_user`,
    )
    expect(row).toEqual({
      rolsuper: false,
      rolreplication: false,
      rolcreatedb: true,
      rolcreaterole: true,
      rolbypassrls: true,
      is_member: true,
    })
  })

  test.each(['a.b', 'sp ace', 'quo"te', "apos'trophe", 'Ünï'])(
    '%s is an ordinary name',
    async (name) => {
      await createRole(compute, { name, verifier: await verifierOf('pw') })
      await createDatabase(compute, { name, owner: name })
      const who = await as({ role: name, password: 'pw', database: name }, async (sql) => {
        await sql`create table t (id int)`
        return sql`select current_user::text as role, current_database()::text as database`
      })
      expect([...who]).toEqual([{ role: name, database: name }])
      await dropDatabase(compute, name)
      await dropRole(compute, name)
    },
  )

  test('roles read the WAL where they may, through a slot and not by copying', async () => {
    const verifier = await verifierOf('pw')
    await createRole(compute, { name: 'old', verifier })
    await createRole(compute, { name: 'born', verifier, replication: true })
    const readers = async () =>
      compute.withSuperuser('postgres', async (sql) => {
        const rows = await sql<{ name: string }[]>`
          select rolname as name from pg_roles
          where rolreplication and rolname <> 'cloud_admin' order by 1`
        return rows.map(({ name }) => name)
      })
    expect(await readers()).toEqual(['born'])
    await as({}, async (sql) => sql`create role sql_made login`)
    await grantReplication(compute)
    await grantReplication(compute)
    expect(await readers()).toEqual([owner.role, 'born', 'old'].toSorted())
    const physical = connectAs((await compute.wake()).socketPath, {
      ...owner,
      startup: { replication: 'true' },
    })
    await expect(physical`select 1`).rejects.toThrow('no pg_hba.conf entry for replication')
    await physical.end()
    await as({}, async (sql) => {
      await expect(sql`create extension dblink`).rejects.toThrow('permission denied')
      await sql`drop role sql_made`
    })
    for (const name of ['old', 'born']) await dropRole(compute, name)
    await compute.withSuperuser('postgres', async (sql) =>
      sql.unsafe(`alter role "${owner.role}" noreplication`),
    )
  })

  test('a role without a password cannot log in, and can when it is given one', async () => {
    await createRole(compute, { name: 'quiet', verifier: null })
    const login = { role: 'quiet', password: 'pw' }
    await expect(as(login, async (sql) => sql`select 1`)).rejects.toThrow(
      /not permitted to log in|password/,
    )
    await setPassword(compute, 'quiet', await verifierOf('pw'))
    await as(login, async (sql) => sql`select 1`)
    await dropRole(compute, 'quiet')
  })

  test('a new password replaces the old one, and never shows in an error', async () => {
    await createRole(compute, { name: 'r', verifier: await verifierOf('old') })
    await setPassword(compute, 'r', await verifierOf('new'))
    await as({ role: 'r', password: 'new' }, async (sql) => sql`select 1`)
    await expect(as({ role: 'r', password: 'old' }, async (sql) => sql`select 1`)).rejects.toThrow(
      'password authentication failed',
    )
    await expect(setPassword(compute, 'r', 'plain text')).rejects.toThrow('not a password')
    await expect(setPassword(compute, 'nobody', await verifierOf('x'))).rejects.toMatchObject({
      code: 'role_not_found',
    })
    await dropRole(compute, 'r')
  })

  test('what somebody holds is waited for no longer than ten seconds, and told', async () => {
    const dropTable = async (): Promise<void> =>
      compute.withSuperuser(owner.database, async (sql) => void (await sql`drop table public.held`))
    await as({}, async (sql) => {
      await sql`create role held`
      await sql`create table public.held ()`
      await sql`begin`
      await sql`alter role held connection limit 50`
      await sql`lock table public.held in access share mode`
      const next = await verifierOf('new')
      const error = {
        code: 'lock_not_available',
        message: expect.stringContaining('coppice inspect db locks'),
      }
      await Promise.all([
        expect(setPassword(compute, 'held', next)).rejects.toMatchObject(error),
        expect(dropTable()).rejects.toMatchObject(error),
      ])
      await sql`rollback`
    })
    await dropTable()
    await dropRole(compute, 'held')
  })

  test('what a dropped role owned goes to the owner of the database', async () => {
    await createRole(compute, { name: 'leaver', verifier: await verifierOf('pw') })
    await createDatabase(compute, { name: 'other', owner: owner.role })
    for (const database of [owner.database, 'other']) {
      await as({ database }, async (sql) => {
        await sql.unsafe('grant all on schema public to leaver')
      })
      await as({ role: 'leaver', password: 'pw', database }, async (sql) => {
        await sql`create table public.left_behind (id int)`
        await sql`insert into left_behind values (1)`
      })
    }
    await dropRole(compute, 'leaver')
    await dropRole(compute, 'leaver')
    for (const database of [owner.database, 'other']) {
      const rows = await as(
        { database },
        async (sql) => sql`
        select tableowner::text as owner, (select count(*)::int from left_behind) as rows
        from pg_tables where tablename = 'left_behind'`,
      )
      expect([...rows]).toEqual([{ owner: owner.role, rows: 1 }])
    }
    await dropDatabase(compute, 'other')
  })

  test('the group is Neon’s, without REPLICATION, and its members pass on what they monitor by', async () => {
    const [group] = await as(
      {},
      async (sql) => sql`
        select rolcreatedb, rolcreaterole, rolbypassrls, rolreplication, rolcanlogin, rolsuper,
          (select string_agg(m.roleid::regrole || case when m.admin_option then '*' else '' end, ' '
              order by m.roleid::regrole::text)
            from pg_auth_members m where m.member = r.oid) as member_of
        from pg_roles r where rolname = 'neon_superuser'`,
    )
    expect(group).toEqual({
      rolcreatedb: true,
      rolcreaterole: true,
      rolbypassrls: true,
      rolreplication: false,
      rolcanlogin: false,
      rolsuper: false,
      // A star for those that it may pass on.
      member_of: 'pg_monitor* pg_read_all_data pg_signal_backend* pg_write_all_data',
    })
    await as({}, async (sql) => {
      await sql`create role watcher`
      await sql`grant pg_monitor, pg_signal_backend to watcher`
      await sql`drop role watcher`
      await sql.begin('isolation level repeatable read', async (inside) => {
        expect(await inside`select pg_export_snapshot()`).toHaveLength(1)
      })
    })
  })

  test('a role of the API reads and writes what another one has made', async () => {
    await createRole(compute, { name: 'colleague', verifier: await verifierOf('pw') })
    await as({}, async (sql) => {
      await sql`create table shared (id serial)`
      await sql`alter table shared enable row level security`
    })
    const rows = await as({ role: 'colleague', password: 'pw' }, async (sql) => {
      await sql`insert into shared default values`
      await sql`update shared set id = id + 1`
      return sql`select id from shared`
    })
    expect([...rows]).toEqual([{ id: 2 }])
    await as({}, async (sql) => sql`drop table shared`)
    await dropRole(compute, 'colleague')
  })

  test('a role that has made and granted other roles can be dropped; those stay', async () => {
    await createRole(compute, { name: 'maker', verifier: await verifierOf('pw') })
    await as({ role: 'maker', password: 'pw' }, async (sql) => {
      await sql`create role made_group`
      await sql`create role made_member login`
      await sql`grant made_group to made_member`
    })
    await dropRole(compute, 'maker')
    const [left] = await as(
      {},
      async (sql) => sql`
        select count(*)::int as roles from pg_roles where rolname in ('made_group', 'made_member')`,
    )
    expect(left).toEqual({ roles: 2 })
    for (const name of ['made_member', 'made_group']) await dropRole(compute, name)
  })

  test('nothing of a dropped role ever becomes the superuser’s', async () => {
    await createRole(compute, { name: 'climber', verifier: await verifierOf('pw') })
    await compute.withSuperuser(
      'postgres',
      async (sql) => sql`create schema trap authorization climber`,
    )
    await as({ role: 'climber', password: 'pw', database: 'postgres' }, async (sql) => {
      await sql`create function trap.f() returns text language sql security definer as 'select current_user::text'`
    })
    await dropRole(compute, 'climber')
    const left = await compute.withSuperuser(
      'postgres',
      async (sql) => sql`select from pg_proc where proname = 'f' and prosecdef`,
    )
    expect(left).toHaveLength(0)
  })

  test('a role stays as it is while a database that lets nobody in holds something of its', async () => {
    await createRole(compute, { name: 'held', verifier: await verifierOf('pw') })
    await createDatabase(compute, { name: 'shut', owner: owner.role })
    await as({ database: 'shut' }, async (sql) => {
      await sql`create table t (id int)`
      await sql`grant select on t to held`
    })
    await as({}, async (sql) => sql`alter database shut allow_connections false`)
    await expect(dropRole(compute, 'held')).rejects.toMatchObject({
      code: 'role_owns_objects',
      message: expect.stringContaining('alter database "shut" allow_connections true'),
    })
    await as({ role: 'held', password: 'pw' }, async (sql) => sql`select 1`)
    await as({}, async (sql) => sql`alter database shut allow_connections true`)
    await dropRole(compute, 'held')
    await dropDatabase(compute, 'shut')
  })

  test('a role that cannot be dropped can log in as before', async () => {
    await createRole(compute, { name: 'unlucky', verifier: await verifierOf('pw') })
    await createRole(compute, { name: 'silent', verifier: null })
    const stuck: Cluster = {
      socketDirectory: async () => compute.socketDirectory(),
      withSuperuser: async (database, work) => {
        if (database === owner.database) throw new Error('no way in')
        return compute.withSuperuser(database, work)
      },
    }
    for (const name of ['unlucky', 'silent']) {
      await expect(dropRole(stuck, name)).rejects.toThrow('no way in')
    }
    await as({ role: 'unlucky', password: 'pw' }, async (sql) => sql`select 1`)
    const { roles } = await compute.catalog()
    expect(roles.find(({ name }) => name === 'silent')).toMatchObject({ canLogin: false })
    for (const name of ['unlucky', 'silent']) await dropRole(compute, name)
  })

  test('a role that owns a database stays', async () => {
    await expect(dropRole(compute, owner.role)).rejects.toMatchObject({ code: 'role_owns_objects' })
    await as({}, async (sql) => sql`select 1`)
  })

  test.each(['cloud_admin', 'neon_superuser', 'pg_monitor'])(
    '%s is not ours to drop',
    async (name) => {
      await expect(dropRole(compute, name)).rejects.toMatchObject({ code: 'invalid_request' })
    },
  )

  test('a database is renamed and dropped under its sessions', async () => {
    await createDatabase(compute, { name: 'before', owner: owner.role })
    const busy = connectAs((await compute.wake()).socketPath, { ...owner, database: 'before' })
    await busy`select 1`
    await renameDatabase(compute, 'before', 'after')
    await renameDatabase(compute, 'before', 'after')
    expect(Object.keys(await databases())).toContain('after')
    await busy.end({ timeout: 0 })
    const other = connectAs((await compute.wake()).socketPath, { ...owner, database: 'after' })
    await other`select 1`
    await dropDatabase(compute, 'after')
    await dropDatabase(compute, 'after')
    expect(Object.keys(await databases())).not.toContain('after')
    await other.end({ timeout: 0 })
  })

  test('a database that is a template is dropped too', async () => {
    await createDatabase(compute, { name: 'mould', owner: owner.role })
    await as({}, async (sql) => sql`alter database mould is_template true`)
    await dropDatabase(compute, 'mould')
    expect(Object.keys(await databases())).not.toContain('mould')
  })

  test.skipIf(majorVersion >= 16)('where the group has another name, it is told', async () => {
    await as({}, async (sql) => sql`alter role neon_superuser rename to gone`)
    const error = {
      code: 'role_not_found',
      message: expect.stringContaining('alter role "gone" rename to neon_superuser'),
    }
    const verifier = await verifierOf('pw')
    await expect(createRole(compute, { name: 'late', verifier })).rejects.toMatchObject(error)
    await expect(
      createDatabase(compute, { name: 'late', owner: owner.role }),
    ).rejects.toMatchObject(error)
    expect(Object.keys(await databases())).not.toContain('late')
    await as({}, async (sql) => sql`alter role gone rename to neon_superuser`)
    await createRole(compute, { name: 'late', verifier })
    await dropRole(compute, 'late')
  })

  test('a name that is taken or missing is told apart', async () => {
    await createDatabase(compute, { name: 'one', owner: owner.role })
    await expect(renameDatabase(compute, 'one', owner.database)).rejects.toMatchObject({
      code: 'database_exists',
    })
    await expect(renameDatabase(compute, 'none', 'two')).rejects.toMatchObject({
      code: 'database_not_found',
    })
    await expect(createDatabase(compute, { name: 'x', owner: 'nobody' })).rejects.toMatchObject({
      code: 'role_not_found',
    })
    await dropDatabase(compute, 'one')
  })

  test('a new owner of a database is the owner of its schema public', async () => {
    await createRole(compute, { name: 'heir', verifier: await verifierOf('pw') })
    await createDatabase(compute, { name: 'estate', owner: owner.role })
    await changeDatabaseOwner(compute, 'estate', 'heir')
    expect((await databases())['estate']).toBe('heir')
    await as({ role: 'heir', password: 'pw', database: 'estate' }, async (sql) => {
      await sql`create table public.t (id int)`
    })
    await dropDatabase(compute, 'estate')
    await dropRole(compute, 'heir')
  })

  test('an owner’s settings on a database do not reach the platform', async () => {
    await createRole(compute, { name: 'trickster', verifier: await verifierOf('pw') })
    await createDatabase(compute, { name: 'tricky', owner: owner.role })
    const settings = {
      search_path: 'evil, public',
      default_transaction_read_only: 'on',
      default_transaction_isolation: 'serializable',
      role: `'app.owner'`,
      session_authorization: `'app.owner'`,
      statement_timeout: '1',
      idle_session_timeout: '1',
      local_preload_libraries: 'nope',
      exit_on_error: 'on',
      default_tablespace: 'pg_global',
      extra_float_digits: '-15',
      intervalstyle: 'sql_standard',
      debug_print_plan: 'on',
      log_parameter_max_length_on_error: '-1',
      ...(majorVersion >= 17 && {
        transaction_timeout: '1',
        restrict_nonsystem_relation_kind: 'view',
      }),
    }
    await as({}, async (sql) => {
      for (const [name, value] of Object.entries(settings)) {
        await sql.unsafe(`alter database tricky set ${name} = ${value}`)
      }
    })
    const seen = await compute.withSuperuser('tricky', async (sql) => {
      await sql`create table public.made (id int)`
      await expect(sql`select 1 / 0`).rejects.toThrow('division by zero')
      await sql`select pg_sleep(0.05)`
      const names = [...Object.keys(settings), 'transaction_read_only', 'transaction_isolation']
      return sql<{ name: string; value: string }[]>`
        select name, current_setting(name) as value
        from unnest(string_to_array(${names.join()}, ',')) as name`
    })
    expect(Object.fromEntries(seen.map(({ name, value }) => [name, value]))).toMatchObject({
      role: 'none',
      session_authorization: 'cloud_admin',
      search_path: 'pg_catalog,pg_temp',
      statement_timeout: '0',
      transaction_read_only: 'off',
      transaction_isolation: 'read committed',
      extra_float_digits: '1',
      intervalstyle: 'postgres',
      debug_print_plan: 'off',
      log_parameter_max_length_on_error: '0',
    })
    await dropRole(compute, 'trickster')
    await dropDatabase(compute, 'tricky')
  })
})
