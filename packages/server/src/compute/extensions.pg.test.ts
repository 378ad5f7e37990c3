import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { exec } from '../lib/exec.ts'
import { isThere } from '../lib/files.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { refusedExtensions, trustedByPostgres, trustedByUs } from './extensions.ts'
import { findShareDirectory } from './mirror-installation.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

/** What the installation brings, of those that we have decided on. */
async function shippedExtensions(majorVersion: number): Promise<string[]> {
  const installation = bench.installations.find((one) => one.majorVersion === majorVersion)
  if (installation === undefined) throw new Error('it was found before')
  const share = await findShareDirectory(installation.binDirectory, majorVersion)
  const names = await readdir(join(share ?? '', 'extension'))
  const decided = [...trustedByPostgres, ...trustedByUs, ...refusedExtensions.flatMap(([, n]) => n)]
  return decided.filter((name) => names.includes(`${name}.control`))
}

describe.each(majorVersions)('extensions of PostgreSQL %d', (majorVersion) => {
  let compute: Compute
  let other: Compute
  let sql: Sql

  beforeAll(async () => {
    const host = await bench.startHost(`host-${majorVersion}`)
    const start = async (endpointId: string) => {
      const dataDirectory = await bench.createCluster(majorVersion)
      const made = await host.put(
        createSpec(dataDirectory, { pgVersion: majorVersion, endpointId }),
      )
      await bootstrapCluster(made, await ownerBootstrap())
      return made
    }
    compute = await start(`ep-a-${majorVersion}`)
    other = await start(`ep-b-${majorVersion}`)
    sql = connectAs((await compute.wake()).socketPath, owner)
  })

  afterAll(async () => {
    await sql?.end()
    await compute?.suspend({ force: true })
    await other?.suspend({ force: true })
  })

  test('a role creates those of the list, and no other', async () => {
    const refusals: string[] = []
    const created: string[] = []
    await sql`drop extension pg_stat_statements`
    for (const name of await shippedExtensions(majorVersion)) {
      if (name === 'plpgsql') continue
      try {
        await sql.unsafe(`create extension "${name}" cascade`)
        await sql.unsafe(`drop extension "${name}" cascade`)
        created.push(name)
      } catch (error) {
        refusals.push(`${name}: ${error instanceof Error ? error.message : ''}`)
      }
    }
    await sql`create extension pg_stat_statements`
    const shipped = await shippedExtensions(majorVersion)
    const allowed = [...trustedByPostgres, ...trustedByUs].filter((name) => name !== 'plpgsql')
    expect(created).toEqual(allowed.filter((name) => shipped.includes(name)))
    expect(refusals.filter((text) => !text.includes('permission denied to create'))).toEqual([])
    expect(refusals.length).toBeGreaterThan(10)
  })

  test('what a role has created works for it, and belongs to the superuser', async () => {
    await sql`create extension bloom`
    await sql`create extension earthdistance cascade`
    await sql`create extension pgstattuple`
    await sql`create table places (id int, at point)`
    await sql`insert into places values (1, '(1,2)')`
    await sql`create index on places using bloom (id)`
    const [row] = await sql<{ rows: number; here: boolean }[]>`
      select (select tuple_count::int from pgstattuple('places')) as rows,
        earth_distance(ll_to_earth(52, 13), ll_to_earth(52, 13)) = 0 as here`
    expect(row).toEqual({ rows: 1, here: true })
    const owners = await sql`
      select distinct p.proowner::regrole::text as owner
      from pg_proc p join pg_depend d on d.objid = p.oid and d.deptype = 'e'
      join pg_extension e on e.oid = d.refobjid where e.extname in ('bloom', 'pgstattuple')`
    expect([...owners]).toEqual([{ owner: 'cloud_admin' }])
    await expect(sql`alter function pgstattuple(regclass) owner to current_user`).rejects.toThrow(
      'must be owner',
    )
  })

  test('statistics of statements are there in every database, made by the API or by SQL', async () => {
    await sql.unsafe('create database made_by_sql')
    for (const database of [owner.database, 'made_by_sql', 'postgres']) {
      const inside = connectAs((await compute.wake()).socketPath, { ...owner, database })
      try {
        expect(await inside`select from pg_stat_statements limit 1`).toHaveLength(1)
      } finally {
        await inside.end()
      }
    }
  })

  test('the owner of a database restores its dump without an error', async (context) => {
    const installation = bench.installations.find((one) => one.majorVersion === majorVersion)
    const pgDump = join(installation?.binDirectory ?? '', 'pg_dump')
    context.skip(!(await isThere(pgDump)), 'this server comes without pg_dump')
    const { socketPath } = await compute.wake()
    const uri = (database: string) => {
      const password = encodeURIComponent(owner.password)
      const host = encodeURIComponent(dirname(socketPath))
      return `postgresql://${owner.role}:${password}@/${database}?host=${host}`
    }
    await sql.unsafe('create database restored')
    const dump = await exec(pgDump, ['--clean', '--if-exists', uri(owner.database)])
    expect(dump).toContain('COMMENT ON EXTENSION pg_stat_statements')
    await exec('psql', ['-Xq', '-v', 'ON_ERROR_STOP=1', uri('restored')], { input: dump })
    expect(await exec('psql', ['-XAt', uri('restored'), '-c', 'select id from places'])).toBe('1\n')
  })

  // A plain user's PostgreSQL runs as the platform's own user, whom `peer` lets in.
  test.skipIf(process.getuid?.() !== 0)(
    'a backend, whatever it is made to do, is no superuser of another compute',
    async () => {
      const { socketPath } = await other.wake()
      const target = `host=${dirname(socketPath)} dbname=postgres`
      await compute.withSuperuser('app', async (superuser) => {
        await superuser`create extension dblink schema public`
        const attempt = async (more: string) =>
          superuser.unsafe(`select public.dblink_connect('c', '${target} ${more}')`)
        const answers = [
          ['user=cloud_admin', 'Peer authentication failed'],
          ['user=cloud_admin password=x', 'Peer authentication failed'],
          [`user=${owner.role}`, 'no password supplied'],
          [`user=${owner.role} password=x`, 'password authentication failed'],
        ] as const
        for (const [more, answer] of answers) {
          const detail = expect.stringContaining(answer)
          await expect(attempt(more)).rejects.toMatchObject({ detail })
        }
        await superuser`drop extension dblink`
      })
    },
  )
})
