import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { exec } from '../lib/exec.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { readControlFile } from './pg-control.ts'
import { buildTemplate } from './template.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

describe.each(majorVersions)('a template of PostgreSQL %d', (majorVersion) => {
  test('is stopped cleanly, and is not built twice', async () => {
    const directory = await bench.createCluster(majorVersion)
    const installation = bench.installations.find((one) => one.majorVersion === majorVersion)
    if (installation === undefined) throw new Error('it was found before')
    expect((await readControlFile(directory)).state).toBe('shut down')
    const before = await stat(join(directory, 'PG_VERSION'))
    await buildTemplate({ installation, directory, user: bench.user })
    expect((await stat(join(directory, 'PG_VERSION'))).ino).toBe(before.ino)
  })

  test('is built anew where it was left half made', async () => {
    const directory = await bench.createCluster(majorVersion)
    const installation = bench.installations.find((one) => one.majorVersion === majorVersion)
    if (installation === undefined) throw new Error('it was found before')
    await rm(join(directory, 'coppice-template.json'))
    await writeFile(join(directory, 'left-over'), '')
    await buildTemplate({ installation, directory, user: bench.user })
    await expect(stat(join(directory, 'left-over'))).rejects.toThrow('ENOENT')
    expect(await readFile(join(directory, 'coppice-template.json'), 'utf8')).toContain(
      installation.version,
    )
  })

  describe('gives a project’s role', () => {
    let compute: Compute
    let sql: Sql

    beforeAll(async () => {
      const host = await bench.startHost(`host-${majorVersion}`)
      const dataDirectory = await bench.createCluster(majorVersion)
      compute = await host.put(
        createSpec(dataDirectory, { pgVersion: majorVersion, endpointId: `ep-${majorVersion}` }),
      )
      await bootstrapCluster(compute, await ownerBootstrap())
      sql = connectAs((await compute.wake()).socketPath, owner)
    })

    afterAll(async () => {
      await sql?.end()
      await compute?.suspend({ force: true })
    })

    test('a checksummed UTF-8 database that sorts by code point', async () => {
      const [row] = await sql`
        select current_setting('data_checksums') as checksums,
          current_setting('server_encoding') as encoding,
          'ä' > 'z' as by_code_point, upper('ä') as upper, current_setting('timezone') as zone`
      expect(row).toEqual({
        checksums: 'on',
        encoding: 'UTF8',
        by_code_point: true,
        upper: 'Ä',
        zone: 'UTC',
      })
    })

    test('its database, with schema public and what an owner does', async () => {
      await sql`create table public.t (id int)`
      await sql`create schema s`
      await sql`create role sql_made login password 'some password'`
      await sql`create extension pg_trgm`
      await sql.unsafe('create database by_sql')
      const own = connectAs((await compute.wake()).socketPath, { ...owner, database: 'by_sql' })
      try {
        await own`create table public.t (id int)`
        expect(await own`select from public.t`).toHaveLength(0)
      } finally {
        await own.end()
      }
    })

    test('statistics of statements, without the text of utility statements', async () => {
      await sql`select 1234567`
      await sql`alter role sql_made password 'a secret of mine'`
      const seen = await sql`select query from pg_stat_statements`
      expect(JSON.stringify(seen)).toContain('select $1')
      expect(JSON.stringify(seen)).not.toContain('a secret of mine')
      await sql`select pg_stat_statements_reset()`
    })

    const own = `"${owner.role}"`
    const attacks: [name: string, statements: string[]][] = [
      ['COPY TO PROGRAM', [`copy (select 1) to program 'id'`]],
      ['COPY FROM PROGRAM', ['create temp table p (l text)', `copy p from program 'id'`]],
      ['COPY from a file', ['create temp table f (l text)', `copy f from '/etc/passwd'`]],
      ['COPY to a file', [`copy (select 1) to '/tmp/coppice-attack'`]],
      ['pg_read_file', [`select pg_read_file('/etc/passwd')`]],
      ['pg_read_file, relative', [`select pg_read_file('PG_VERSION')`]],
      ['pg_read_binary_file', [`select pg_read_binary_file('/etc/passwd')`]],
      ['pg_ls_dir', [`select pg_ls_dir('/')`]],
      ['pg_stat_file', [`select pg_stat_file('/etc/passwd')`]],
      ['lo_import', [`select lo_import('/etc/passwd')`]],
      ['lo_export', [`select lo_export(lo_create(0), '/tmp/coppice-attack')`]],
      ['the role that runs programs', [`grant pg_execute_server_program to ${own}`]],
      ['the role that reads files', [`grant pg_read_server_files to ${own}`]],
      ['the role that writes files', [`grant pg_write_server_files to ${own}`]],
      ['a role made with it', ['create role r1 in role pg_execute_server_program']],
      ['making such a role', ['create role pg_execute_server_program']],
      ['being the superuser', ['set role cloud_admin']],
      ['being made superuser', [`alter role ${own} superuser`]],
      ['membership in the superuser', [`grant cloud_admin to ${own}`]],
      ['the superuser’s password', [`alter role cloud_admin password 'x'`]],
      ['a superuser of one’s own', ['create role r2 superuser']],
      ['replication', [`alter role ${own} replication`]],
      ['replication for another', ['create role r3 replication login']],
      ['replication by the group', ['set role neon_superuser', 'create role r4 replication']],
      ['LANGUAGE C', [`create function f() returns int language c as 'libc.so.6', 'system'`]],
      ['LANGUAGE internal', [`create function g() returns int language internal as 'pg_ls_dir'`]],
      ['untrusted Perl', ['create extension plperlu']],
      ['untrusted Python', ['create extension plpython3u']],
      ['dblink', ['create extension dblink']],
      ['postgres_fdw', ['create extension postgres_fdw']],
      ['subscription', [`create subscription s connection 'host=/tmp' publication p`]],
      [
        'role that may have subscriptions',
        [
          `grant pg_create_subscription to ${own}`,
          `create subscription s connection 'x=y' publication p`,
        ],
      ],
      ['file_fdw', ['create extension file_fdw']],
      ['adminpack', ['create extension adminpack']],
      ['LOAD', [`load '/tmp/x.so'`]],
      ['ALTER SYSTEM', [`alter system set archive_command = 'id'`]],
      ['a tablespace', [`create tablespace t location '/tmp'`]],
      ['a setting of the superuser’s', [`set session_preload_libraries = 'x'`]],
      ['a library for later sessions', [`alter database app set session_preload_libraries = 'x'`]],
      ['reading settings’ files', ['select * from pg_hba_file_rules']],
      ['changing a system catalog', [`update pg_authid set rolsuper = true`]],
      [
        'a backup',
        [majorVersion < 15 ? `select pg_start_backup('x')` : `select pg_backup_start('x')`],
      ],
      ['a replication slot', [`select pg_create_physical_replication_slot('s')`]],
      ['promoting', ['select pg_promote()']],
      ['reloading', ['select pg_reload_conf()']],
      ['changing template1', ['alter database template1 owner to current_user']],
      ['an event trigger', ['create event trigger e on ddl_command_start execute function now()']],
    ]

    const refusals =
      /permission denied|must (be|have) |is not allowed|role "pg_\w+" does not exist|is reserved|is not available|password( or GSSAPI delegated credentials)? (is )?required/i

    test.each(attacks)('no %s', async (_name, statements) => {
      const attack = async (): Promise<void> => {
        for (const statement of statements) await sql.unsafe(statement)
      }
      await expect(attack()).rejects.toThrow(refusals)
      await sql`reset role`
    })

    test.skipIf(process.getuid?.() !== 0)('no session as the superuser', async () => {
      const { socketPath } = await compute.wake()
      const directory = socketPath.slice(0, socketPath.lastIndexOf('/'))
      // The OS user that users' code would run as is not the platform's.
      await expect(
        exec('psql', ['-w', '-h', directory, '-U', 'cloud_admin', '-c', 'select 1', 'postgres'], {
          user: bench.user,
        }),
      ).rejects.toThrow('Peer authentication failed')
    })

    test('no session on template1, which would keep others from creating databases', async () => {
      const { socketPath } = await compute.wake()
      const inside = connectAs(socketPath, { ...owner, database: 'template1' })
      await expect(inside`select 1`).rejects.toThrow('permission denied for database')
      await inside.end()
    })
  })
})
