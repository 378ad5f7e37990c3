import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { createClient, routes } from '@coppice/api'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { homePaths } from '../packages/server/src/lib/home.ts'
import { psql, run, startTestPlatform, type TestPlatform, until } from './platform.ts'

/**
 * The threat model of docs/security.md against a whole platform: what somebody tries who has a role, a key
 * for one project, or nothing. A title here is a line there.
 */
let platform: TestPlatform
/** Another project on the same machine. */
let other: { projectId: string; endpointId: string; uri: string; host: string }

beforeAll(async () => {
  platform = await startTestPlatform()
  const made = await platform.client.createProject({ body: { project: { name: 'other' } } })
  const uri = made.connection_uris?.[0]?.connection_uri ?? ''
  other = {
    projectId: made.project.id,
    endpointId: made.endpoints[0]?.id ?? '',
    uri,
    host: new URL(uri).host,
  }
})
afterAll(async () => platform?.remove())

const neon = async (...args: string[]): Promise<string> =>
  platform.neon(...args, '--project-id', platform.projectId)

/** Where an attack would leave its mark. */
const loot = `/tmp/coppice-loot-${randomUUID()}`

async function connect(uri: string, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const url = new URL(uri)
  url.searchParams.set('sslmode', 'no-verify')
  url.searchParams.delete('channel_binding')
  const client = new pg.Client({ connectionString: url.href, ...more })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** What PostgreSQL answers: the SQLSTATE of its refusal, or undefined where it did it. */
async function attempt(client: pg.Client, sql: string): Promise<string | undefined> {
  try {
    await client.query(sql)
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** SQLSTATEs of which each is a refusal and no accident (PostgreSQL manual, appendix A). */
const denied = '42501'
const unknown = '42704'
const noSuchFunction = '42883'
const unsupported = '0A000'
const fixed = '55P02'
const reserved = '42939'

describe('a role of a database reaches nothing of the host', () => {
  let client: pg.Client
  beforeAll(async () => {
    client = await connect(platform.connectionUri)
    await client.query('create table mine (line text)')
  })
  afterAll(async () => client?.end())

  test.each([
    ['a program', [`copy mine to program 'cat > ${loot}'`, `copy mine from program 'id'`]],
    [
      'files',
      [
        `copy mine to '${loot}'`,
        `copy mine from '/etc/passwd'`,
        `select pg_read_file('/etc/passwd')`,
        `select pg_read_binary_file('PG_VERSION')`,
        `select pg_stat_file('/etc/passwd')`,
        `select pg_ls_dir('/')`,
        `select lo_import('/etc/passwd')`,
        `select lo_export(lo_from_bytea(0, 'x'), '${loot}')`,
        `create tablespace loot location '/tmp'`,
      ],
    ],
    [
      'code of its own',
      [
        `load '/tmp/loot.so'`,
        `create function loot() returns int language c as '/tmp/loot', 'loot'`,
        `create function loot() returns int language internal as 'pg_backend_pid'`,
        `create extension plperlu`,
        `create extension plpython3u`,
        `create extension plperl`,
        `create trusted language loot handler plpgsql_call_handler`,
        `set dynamic_library_path = '/tmp'`,
        `set session_preload_libraries = '/tmp/loot'`,
        `alter role current_user set session_preload_libraries = '/tmp/loot'`,
        `alter database neondb set session_preload_libraries = '/tmp/loot'`,
      ],
    ],
    [
      'settings of the server',
      [
        `alter system set archive_command = 'touch ${loot}'`,
        `alter system set shared_preload_libraries = 'loot'`,
        `set log_directory = '/tmp'`,
        `set archive_command = 'true'`,
        `set ssl_passphrase_command = 'true'`,
        `set fsync = off`,
        `set full_page_writes = off`,
        `select pg_reload_conf()`,
        `select pg_rotate_logfile()`,
        `select pg_promote()`,
        `select pg_switch_wal()`,
        `select pg_create_restore_point('loot')`,
      ],
    ],
    [
      'connections from within',
      [
        `create extension dblink`,
        `create extension postgres_fdw`,
        `create extension file_fdw`,
        `create extension adminpack`,
        `create foreign data wrapper loot`,
        `create subscription loot connection 'host=/tmp dbname=postgres' publication p with (connect = false)`,
      ],
    ],
  ])('%s', async (_, statements) => {
    const outcomes = await Promise.all(
      statements.map(async (sql) => ({ sql, code: await attempt(client, sql) })),
    )
    const refusals = [denied, unknown, noSuchFunction, unsupported, fixed]
    expect(outcomes.filter(({ code }) => code === undefined || !refusals.includes(code))).toEqual(
      [],
    )
    expect(existsSync(loot)).toBe(false)
  })

  test('a superuser', async () => {
    const statements = [
      `alter role current_user superuser`,
      `create role loot superuser`,
      `create role loot replication`,
      `alter role cloud_admin password 'x'`,
      `alter role cloud_admin nosuperuser`,
      `drop role cloud_admin`,
      `grant cloud_admin to current_user`,
      `set role cloud_admin`,
      `set session authorization cloud_admin`,
      `grant pg_execute_server_program to current_user`,
      `grant pg_read_server_files to current_user`,
      `grant pg_write_server_files to current_user`,
      `update pg_authid set rolsuper = true`,
      `delete from pg_proc`,
      `set allow_system_table_mods = on`,
      `create event trigger loot on ddl_command_end execute function suppress_redundant_updates_trigger()`,
    ]
    const outcomes = []
    for (const sql of statements) outcomes.push({ sql, code: await attempt(client, sql) })
    const refusals = [denied, unknown, reserved, '22023']
    expect(outcomes.filter(({ code }) => code === undefined || !refusals.includes(code))).toEqual(
      [],
    )
    const { rows } = await client.query(`
      select count(*) filter (where rolsuper)::int as supers from pg_roles
      where pg_has_role(current_user, oid, 'member')`)
    expect(rows).toEqual([{ supers: 0 }])
  })

  test('a superuser, by objects that the platform uses', async () => {
    // Shadows of what the platform's own queries call, and settings that would redirect them.
    await client.query(`
      create schema if not exists trap;
      create table trap.calls (by text);
      grant all on schema trap to public; grant all on trap.calls to public;
      create function trap.now() returns timestamptz language sql as
        $$ insert into trap.calls values (current_user); select pg_catalog.clock_timestamp() $$;
      create function public.format_type(oid, int) returns text language sql as
        $$ insert into trap.calls values (current_user); select 'x'::text $$;
      create function public.count_calls() returns trigger language plpgsql as
        $$ begin insert into trap.calls values (current_user); return new; end $$;
      alter database neondb set search_path = trap, public, pg_catalog;
      alter role current_user set search_path = trap, public, pg_catalog`)
    const path = { project_id: platform.projectId }
    const { branches } = await platform.client.listProjectBranches({ path, query: {} })
    const branch_id = branches[0]?.id ?? ''
    await platform.client.getProjectBranchSchema({
      path: { ...path, branch_id },
      query: { db_name: 'neondb' },
    })
    await neon('roles', 'create', '--name', 'somebody')
    await neon('branches', 'create', '--name', 'trapped')
    for await (const _ of await platform.client.queryProjectBranch({
      path: { ...path, branch_id },
      body: { sql: 'select 1, now()', db_name: 'neondb' },
    }));
    const { rows } = await client.query(
      `select distinct by from trap.calls where by in (select rolname from pg_roles where rolsuper)`,
    )
    expect(rows).toEqual([])
    await client.query(
      `alter database neondb reset search_path; alter role current_user reset search_path`,
    )
  })

  test('the passwords of others, unless it is a member of neon_superuser', async () => {
    await client.query(`create role reader login password 'a-Long-enough-passw0rd'`)
    const url = new URL(platform.connectionUri)
    url.username = 'reader'
    url.password = 'a-Long-enough-passw0rd'
    const reader = await connect(url.href)
    for (const sql of [
      `select rolpassword from pg_authid`,
      `select passwd from pg_shadow`,
      `select * from mine`,
      `create table public.not_here ()`,
      `create database not_here`,
      `create role not_here`,
    ]) {
      expect({ sql, code: await attempt(reader, sql) }).toEqual({ sql, code: denied })
    }
    await reader.end()
    // Who has none cannot have it guessed either.
    const { rows } = await client.query(
      `select rolname from pg_authid where rolsuper and rolpassword is not null`,
    )
    expect(rows).toEqual([])
  })

  test('the files of the cluster, by replication', async () => {
    const url = new URL(platform.connectionUri)
    for (const replication of ['true', 'database']) {
      url.searchParams.set('replication', replication)
      await expect(run('psql', [url.href, '-XAtqc', 'BASE_BACKUP'])).rejects.toThrow(
        /not permitted|permission denied|replication/i,
      )
      await expect(run('psql', [url.href, '-XAtqc', 'START_REPLICATION 0/0'])).rejects.toThrow(
        /not permitted|permission denied|replication/i,
      )
    }
  })
})

describe('a role of one branch reaches no other', () => {
  test('its password is no good elsewhere', async () => {
    const mine = new URL(platform.connectionUri)
    const theirs = new URL(other.uri)
    theirs.password = mine.password
    await expect(connect(theirs.href)).rejects.toMatchObject({ code: '28P01' })
    await expect(
      connect(theirs.href.replace(':' + theirs.port, `:${platform.pooledPort}`)),
    ).rejects.toMatchObject({ code: '28P01' })
  })

  test('the sockets of computes let in who proves a password', async () => {
    const sockets = await findSockets(platform)
    expect(sockets.length).toBeGreaterThan(0)
    for (const directory of sockets) {
      const uri = `postgresql:///postgres?host=${directory}&user=cloud_admin`
      // As an OS user that is neither the platform's nor PostgreSQL's.
      await expect(
        run('psql', [uri, '-XAtqc', 'select 1'], {
          uid: 65_534,
          gid: 65_534,
          env: { PATH: process.env['PATH'] },
        }),
      ).rejects.toThrow(/Peer authentication failed|Permission denied|No such file/)
    }
  })

  test('a key for one project reaches that project', async () => {
    const { key } = await platform.client.createApiKey({ body: { key_name: 'all' } })
    expect(key).toMatch(/\w{20}/)
    const made = await platform.client.createOrgApiKey({
      path: { org_id: 'org-coppice' },
      body: { key_name: 'one', project_id: platform.projectId },
    })
    const scoped = createClient({ baseUrl: platform.apiUrl, apiKey: made.key })
    await scoped.getProject({ path: { project_id: platform.projectId } })
    const path = { project_id: other.projectId }
    await expect(scoped.getProject({ path })).rejects.toMatchObject({ status: 404 })
    const { projects } = await scoped.listProjects({ query: {} })
    expect(projects.map(({ id }) => id)).toEqual([platform.projectId])
    await expect(
      scoped.queryProjectBranch({
        path: { ...path, branch_id: 'main' },
        body: { sql: 'select 1', db_name: 'neondb' },
      }),
    ).rejects.toMatchObject({ status: 404 })
    // Nor by naming another project's branch below its own.
    const { branches } = await platform.client.listProjectBranches({ path, query: {} })
    await expect(
      scoped.getProjectBranch({
        path: { project_id: platform.projectId, branch_id: branches[0]?.id ?? '' },
      }),
    ).rejects.toMatchObject({ code: 'branch_not_found' })
  })

  test('the console of the pooler shows a role its own endpoint, and it may change nothing', async () => {
    const url = new URL(platform.connectionUri)
    url.port = String(platform.pooledPort)
    url.pathname = '/pgbouncer'
    const shown = await psql(url.href, 'SHOW POOLS')
    expect(shown).not.toContain(other.endpointId)
    await expect(psql(url.href, 'PAUSE')).rejects.toThrow(/permission|not allowed|admin/i)
  })
})

describe('somebody without a credential', () => {
  test('wakes nothing', async () => {
    await suspend(other)
    const url = new URL(other.uri)
    url.password = 'wrong-password'
    for (const port of [platform.directPort, platform.pooledPort]) {
      url.port = String(port)
      await expect(connect(url.href)).rejects.toMatchObject({ code: '28P01' })
    }
    expect(await stateOf(other)).toBe('idle')
  })

  test('cannot tell a role that exists from one that does not', async () => {
    const answers = []
    for (const user of ['neondb_owner', 'nobody_at_all']) {
      const url = new URL(other.uri)
      url.username = user
      url.password = 'wrong'
      const error = (await connect(url.href).catch((reason: unknown) => reason)) as Error & {
        code: string
      }
      answers.push({ code: error.code, message: error.message.replaceAll(user, 'ROLE') })
    }
    expect(answers[0]).toEqual(answers[1])
  })

  test('gets nothing from any route of the API', async () => {
    const open = []
    for (const route of Object.values(routes)) {
      const path = route.url.replaceAll(/:\w+/g, platform.projectId)
      const answer = await fetch(platform.apiUrl + path, {
        method: route.method,
        ...('body' in route && { body: '{}', headers: { 'content-type': 'application/json' } }),
      })
      if (answer.status !== 401) open.push(`${route.method} ${route.url} ${answer.status}`)
    }
    for (const path of ['/events', '/../../metrics']) {
      const { status } = await fetch(platform.apiUrl + path)
      if (status !== 401) open.push(`${path} ${status}`)
    }
    expect(open).toEqual([])
  })

  test('gets no file but the console by any path', async () => {
    const origin = new URL(platform.apiUrl)
    for (const path of [
      '/../../../../etc/passwd',
      '/assets/../../../../../../etc/passwd',
      '/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
      '/assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
      '/assets/%5c..%5c..%5cetc/passwd',
      '//etc/passwd',
    ]) {
      // fetch would take the dots out of the path.
      const text = await run('curl', ['-s', '--path-as-is', origin.origin + path])
      expect(text).not.toContain('root:')
    }
  })

  test('speaks TLS 1.2 at least, and nothing before it', async () => {
    const url = new URL(platform.connectionUri)
    url.searchParams.set('sslmode', 'disable')
    url.searchParams.delete('channel_binding')
    await expect(run('psql', [url.href, '-XAtqc', 'select 1'])).rejects.toThrow(
      /insecure|SSL|TLS|encrypt/i,
    )
    const hello = await run('bash', [
      '-c',
      `echo | openssl s_client -starttls postgres -connect 127.0.0.1:${platform.directPort} -tls1_1 -cipher ALL:@SECLEVEL=0 2>&1 || true`,
    ])
    expect(hello).toMatch(/alert|no protocols|wrong version|Cipher is \(NONE\)/)
  })

  test('between client and server is noticed by channel binding', async () => {
    const url = new URL(platform.connectionUri)
    url.searchParams.set('channel_binding', 'require')
    expect(await psql(url.href, 'select 1')).toBe('1')
  })
})

describe('secrets', () => {
  test('are in files that only the platform reads', async () => {
    for (const name of ['secret.key', 'api-key']) {
      expect((await stat(join(platform.home, name))).mode & 0o077).toBe(0)
    }
    for (const name of await readdir(join(platform.home, 'tls'))) {
      if (!name.includes('key')) continue
      expect((await stat(join(platform.home, 'tls', name))).mode & 0o077).toBe(0)
    }
  })

  test('are in no log, no argument and no environment of any process', async () => {
    const secrets = [
      new URL(platform.connectionUri).password,
      new URL(other.uri).password,
      platform.apiKey,
    ].map((secret) => decodeURIComponent(secret))
    const client = await connect(platform.connectionUri)
    await attempt(client, `alter role current_user password '${secrets[0]}' nonsense`)
    await attempt(client, `create role somebody_else login password '${secrets[0]}'`)
    await client.end()
    const places: Array<{ place: string; text: string }> = []
    for (const file of await filesBelow(platform.home)) {
      if (/\.(log|json|conf)$|\/stderr$|\/stdout$/.test(file)) {
        places.push({ place: file, text: await readFile(file, 'utf8').catch(() => '') })
      }
    }
    for (const pid of await ownProcesses(platform)) {
      for (const name of ['cmdline', 'environ']) {
        const text = await readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
        places.push({ place: `/proc/${pid}/${name}`, text })
      }
    }
    expect(places.length).toBeGreaterThan(5)
    const leaks = places.filter(({ text }) => secrets.some((secret) => text.includes(secret)))
    expect(leaks.map(({ place }) => place)).toEqual([])
  })

  test('are in the store as hashes, or sealed', async () => {
    const dump = await dumpStore(platform)
    expect(dump).toContain(platform.projectId)
    expect(dump).not.toContain(platform.apiKey)
    expect(dump).not.toContain(decodeURIComponent(new URL(platform.connectionUri).password))
  })
})

async function suspend({ projectId, endpointId }: typeof other): Promise<void> {
  const path = { project_id: projectId, endpoint_id: endpointId }
  await platform.client.suspendProjectEndpoint({ path })
  await until(async () => (await stateOf({ projectId, endpointId })) === 'idle', 'it sleeps')
}

async function stateOf(place: { projectId: string; endpointId: string }): Promise<string> {
  const path = { project_id: place.projectId, endpoint_id: place.endpointId }
  return (await platform.client.getProjectEndpoint({ path })).endpoint.current_state
}

/** Directories with a socket of PostgreSQL. */
async function findSockets({ home }: TestPlatform): Promise<string[]> {
  const { sockets } = homePaths(home)
  const found = await readdir(sockets, { recursive: true })
  return found
    .filter((path) => /\.s\.PGSQL\.\d+$/.test(path))
    .map((path) => join(sockets, dirname(path)))
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}

/** The daemon, the gateway's, and every PostgreSQL's. */
async function ownProcesses({ home }: TestPlatform): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')
    const isTest = Number(name) === process.pid || command.includes('vitest')
    if (!isTest && (command + environment).includes(home)) found.push(Number(name))
  }
  return found
}

async function dumpStore({ home }: TestPlatform): Promise<string> {
  const socket = join(homePaths(home).sockets, 'store')
  const uri = `postgresql:///postgres?host=${socket}&user=coppice`
  const tables = await run('psql', [
    uri,
    '-XAtc',
    `select format('select t::text from %I.%I t;', schemaname, tablename)
     from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  ])
  return run('psql', [uri, '-XAtc', tables])
}
