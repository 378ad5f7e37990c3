import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { findInstallations } from '../../compute/installations.ts'
import { must } from '../../lib/assert.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'

/** Schemas over the API, of a real branch of each major version that is here. */
let control: TestControl

beforeAll(async () => {
  control = await startTestControl()
})

afterAll(async () => control?.close())

const versions = [...new Set((await findInstallations()).map((one) => one.majorVersion))]

describe.each(versions)('of PostgreSQL %d', (pg_version) => {
  let project_id: string

  const run = async (branch: string, script: string, database = 'neondb'): Promise<void> => {
    const { endpoints } = await control.client.listProjectBranchEndpoints({
      path: { project_id, branch_id: branch },
    })
    const compute = must(control.context.host.get(endpoints[0]?.id ?? ''), 'has a compute')
    await compute.withSuperuser(database, async (sql) => sql.unsafe(script))
  }

  const schema = async (branch_id: string, db_name = 'neondb') =>
    control.client.getProjectBranchSchema({ path: { project_id, branch_id }, query: { db_name } })

  const compare = async (branch_id: string, query: Record<string, string> = {}) =>
    control.client.getProjectBranchSchemaComparison({
      path: { project_id, branch_id },
      query: { db_name: 'neondb', ...query },
    })

  beforeAll(async () => {
    const made = await control.client.createProject({
      body: { project: { name: `shop-${pg_version}`, pg_version } },
    })
    project_id = made.project.id
    await run(
      'main',
      `create table public.users (id integer primary key, email text unique);
       create table public.posts (id integer primary key, by integer references public.users,
         length integer generated always as (id * 2) stored);
       create extension postgres_fdw;
       create server far foreign data wrapper postgres_fdw;
       create user mapping for neondb_owner server far options (user 'u', password 'top secret');
       alter database neondb set default_transaction_read_only = on;`,
    )
    await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'feature' }, endpoints: [{ type: 'read_write' }] },
    })
  })

  test('a database is read whatever its owner has set on it', async () => {
    await run('main', 'create database odd owner neondb_owner')
    for (const [setting, value] of [
      ['local_preload_libraries', 'nope'],
      ['idle_session_timeout', '1'],
      ...(pg_version >= 17 ? [['transaction_timeout', '1']] : []),
    ] as const) {
      await run('main', `alter database odd set ${setting} = ${value}`)
    }
    await control.client.createProjectBranch({
      path: { project_id },
      body: {
        branch: { name: 'bare', init_source: 'schema-only' },
        endpoints: [{ type: 'read_write' }],
      },
    })
    for (const branch of ['main', 'bare']) {
      expect(await schema(branch, 'odd')).toHaveProperty('sql')
    }
    await control.client.deleteProjectBranch({
      path: { project_id, branch_id: 'bare' },
      query: {},
    })
    await run('main', 'drop database odd')
  })

  test('the schema is an SQL script without secrets, the same each time', async () => {
    const { sql } = await schema('main')
    expect(sql).toContain('CREATE TABLE public.users (')
    expect(sql).toContain('CREATE SERVER far')
    expect(sql).not.toMatch(/top secret|USER MAPPING|\\restrict/)
    expect((await schema('main')).sql).toBe(sql)
  })

  test('equal schemas have an empty difference, and a change shows as a unified diff', async () => {
    expect(await compare('feature')).toEqual({ diff: '' })
    await run('feature', 'alter table public.users add column name text')
    const { diff } = await compare('feature')
    expect(diff).toMatch(
      /^--- Database: neondb\t\(Branch: br-[a-z0-9-]+\)\n\+\+\+ Database: neondb\t/,
    )
    const changed = diff?.split('\n').filter((line) => /^[-+](?![-+])/.test(line))
    expect(changed).toEqual(['-    email text', '+    email text,', '+    name text'])
    const reverse = await compare('main', { base_branch_id: 'feature' })
    expect(reverse.diff).toContain('-    name text')
  })

  test('a database that only the branch has is wholly added', async () => {
    await run('feature', 'create database extra', 'postgres')
    await run('feature', 'create table public.only_here (id integer)', 'extra')
    const { diff } = await compare('feature', { db_name: 'extra' })
    expect(diff).toContain('+CREATE TABLE public.only_here (')
  })

  test('tables are described with their columns and keys', async () => {
    const { json, sql } = await control.client.getProjectBranchSchema({
      path: { project_id, branch_id: 'main' },
      query: { db_name: 'neondb', format: 'json' },
    })
    expect(sql).toBeUndefined()
    expect(json?.tables).toEqual([
      {
        schema: 'public',
        name: 'posts',
        columns: [
          { name: 'id', type: 'integer', nullable: false, generated: false },
          { name: 'by', type: 'integer', nullable: true, generated: false },
          { name: 'length', type: 'integer', nullable: true, generated: true },
        ],
        constraints: [
          { type: 'primary_key', name: 'posts_pkey', columns: ['id'] },
          {
            type: 'foreign_key',
            name: 'posts_by_fkey',
            columns: ['by'],
            referenced_table: { schema: 'public', table: 'users', columns: ['id'] },
          },
        ],
      },
      {
        schema: 'public',
        name: 'users',
        columns: [
          { name: 'id', type: 'integer', nullable: false, generated: false },
          { name: 'email', type: 'text', nullable: true, generated: false },
        ],
        constraints: [
          { type: 'primary_key', name: 'users_pkey', columns: ['id'] },
          { type: 'unique', name: 'users_email_key', columns: ['email'] },
        ],
      },
    ])
  })

  test('what cannot be is refused with what to do', async () => {
    await expect(schema('main', 'nowhere')).rejects.toThrow(
      'database nowhere does not exist on branch main',
    )
    await expect(schema('main', 'postgres')).rejects.toThrow('does not exist')
    await expect(schema('nowhere')).rejects.toThrow('branch nowhere does not exist')
    await expect(compare('main')).rejects.toThrow('name another branch in base_branch_id')
    await expect(
      compare('feature', { lsn: '0/1', timestamp: '2026-01-01T00:00:00Z' }),
    ).rejects.toThrow('not both')
  })
})
