import { afterAll, beforeAll, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'

/** Branches with the schema of another and none of its rows. */
let control: TestControl
let project_id: string
let password: string

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({ body: { project: { name: 'shop' } } })
  project_id = made.project.id
  password = made.roles[0]?.password ?? ''
  await run(
    'main',
    `create table public.users (id serial primary key, email text);
     insert into public.users (email) values ('a@example.invalid'), ('b@example.invalid');
     alter table public.users owner to neondb_owner;
     create role made_by_sql; grant select on public.users to made_by_sql;`,
  )
})

afterAll(async () => control?.close())

const pathOf = (branch_id: string) => ({ project_id, branch_id })

async function run(branch: string, script: string): Promise<Record<string, unknown>[]> {
  const { endpoints } = await control.client.listProjectBranchEndpoints({ path: pathOf(branch) })
  const compute = must(control.context.host.get(endpoints[0]?.id ?? ''), 'has a compute')
  return compute.withSuperuser('neondb', async (sql) => [...(await sql.unsafe(script))])
}

const create = async (name: string, endpoints: { type: 'read_write' }[]) =>
  control.client.createProjectBranch({
    path: { project_id },
    body: { branch: { name, init_source: 'schema-only' }, endpoints },
  })

test('a schema-only branch is a root with the roles, the databases and no rows of another', async () => {
  const made = await create('empty', [{ type: 'read_write' }])
  expect(made.branch.parent_id).toBeUndefined()
  expect(made.branch).toMatchObject({ init_source: 'schema-only', default: false })
  expect(made.operations.map((one) => one.action)).toEqual([
    'apply_schema_from_branch',
    'start_compute',
  ])
  expect(made.roles.map((role) => role.name).toSorted()).toEqual(['made_by_sql', 'neondb_owner'])
  expect(made.databases.map((one) => [one.name, one.owner_name])).toEqual([
    ['neondb', 'neondb_owner'],
  ])
  expect(made.connection_uris?.[0]?.connection_parameters.password).toBe(password)
  const { diff } = await control.client.getProjectBranchSchemaComparison({
    path: pathOf('empty'),
    query: { db_name: 'neondb', base_branch_id: 'main' },
  })
  expect(diff).toBe('')
  const insert = `insert into public.users (email) values ('first') returning id`
  expect(await run('empty', insert)).toEqual([{ id: 1 }])
  expect(await run('main', 'select count(*)::integer as count from public.users')).toEqual([
    { count: 2 },
  ])
})

test('one without a compute is made all the same, and takes a compute later', async () => {
  const made = await create('bare', [])
  expect(made.endpoints).toEqual([])
  expect(control.context.host.get(made.branch.id)).toBeUndefined()
  expect(made.roles.map((role) => role.name).toSorted()).toEqual(['made_by_sql', 'neondb_owner'])
  await control.client.createProjectEndpoint({
    path: { project_id },
    body: { endpoint: { branch_id: made.branch.id, type: 'read_write' } },
  })
  expect(await run('bare', 'select count(*)::integer as count from public.users')).toEqual([
    { count: 0 },
  ])
})

test('one that cannot be made leaves nothing behind', async () => {
  await run(
    'main',
    'create function public.c_level() returns integer language internal as $$pg_backend_pid$$',
  )
  const before = await control.context.volumes.list()
  await expect(create('failed', [{ type: 'read_write' }])).rejects.toThrow('only a superuser')
  expect(await control.context.volumes.list()).toEqual(before)
  const { branches } = await control.client.listProjectBranches({
    path: { project_id },
    query: { search: 'failed', include_deleted: true },
  })
  expect(branches).toEqual([])
})
