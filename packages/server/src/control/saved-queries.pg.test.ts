import { createClient } from '@coppice/api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../testing/control.ts'

let control: TestControl
let path: { project_id: string }
let other: { project_id: string }

beforeAll(async () => {
  control = await startTestControl()
  const make = async () =>
    (await control.client.createProject({ body: { project: {} } })).project.id
  path = { project_id: await make() }
  other = { project_id: await make() }
})
afterAll(async () => control?.close())

const save = async (name: string, sql = 'select 1', place = path) =>
  (await control.client.createSavedQuery({ path: place, body: { saved_query: { name, sql } } }))
    .saved_query
const names = async (search?: string, place = path) =>
  (
    await control.client.listSavedQueries({
      path: place,
      query: search === undefined ? {} : { search },
    })
  ).saved_queries.map(({ name }) => name)

test('queries are kept under names, found, changed and deleted', async () => {
  const query = await save('  Orders of today ', 'select * from orders')
  await save('accounts', 'select * from Account')
  expect(query).toMatchObject({ ...path, name: 'Orders of today', sql: 'select * from orders' })
  expect(await names()).toEqual(['accounts', 'Orders of today'])
  expect(await names('TODAY')).toEqual(['Orders of today'])
  expect(await names('account')).toEqual(['accounts'])
  expect(await names('100%_')).toEqual([])
  const place = { ...path, saved_query_id: query.id }
  const changed = await control.client.updateSavedQuery({
    path: place,
    body: { saved_query: { sql: 'select 2' } },
  })
  expect(changed.saved_query).toMatchObject({ name: 'Orders of today', sql: 'select 2' })
  await control.client.deleteSavedQuery({ path: place })
  expect(await names()).toEqual(['accounts'])
  expect(await control.client.deleteSavedQuery({ path: place })).toBeUndefined()
})

test('a name is of one query of a project', async () => {
  await save('taken')
  const second = await save('second')
  await expect(save('taken')).rejects.toMatchObject({ code: 'saved_query_exists' })
  const rename = control.client.updateSavedQuery({
    path: { ...path, saved_query_id: second.id },
    body: { saved_query: { name: 'taken' } },
  })
  await expect(rename).rejects.toMatchObject({ code: 'saved_query_exists' })
  expect((await save('taken', 'select 3', other)).sql).toBe('select 3')
})

test('what is blank, cannot be kept or is not there is refused', async () => {
  await expect(save('   ')).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(save('nul', 'select \0')).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(save('long', 'x'.repeat(50_001))).rejects.toMatchObject({ code: 'invalid_request' })
  const change = { saved_query: { name: 'x' } }
  for (const saved_query_id of ['nowhere', (await save('theirs', 'select 1', other)).id]) {
    const path_ = { ...path, saved_query_id }
    await expect(
      control.client.updateSavedQuery({ path: path_, body: change }),
    ).rejects.toMatchObject({ code: 'saved_query_not_found' })
    expect(await control.client.deleteSavedQuery({ path: path_ })).toBeUndefined()
  }
  expect(await names(undefined, other)).toContain('theirs')
})

test('a key for one project reaches its own', async () => {
  const made = await control.client.createOrgApiKey({
    path: { org_id: 'org-coppice' },
    body: { key_name: 'one', project_id: path.project_id },
  })
  const client = createClient({ baseUrl: control.apiUrl, apiKey: made.key })
  expect((await client.listSavedQueries({ path, query: {} })).saved_queries).not.toEqual([])
  await expect(client.listSavedQueries({ path: other, query: {} })).rejects.toMatchObject({
    code: 'outside_key_scope',
  })
})

test('a project keeps a bounded number of them', async () => {
  await control.context.store`
    insert into saved_queries (project_id, name, sql)
    select ${other.project_id}, 'n' || i, 'select 1' from generate_series(1, 200) i`
  await expect(save('one more', 'select 1', other)).rejects.toMatchObject({ code: 'limit_reached' })
})
