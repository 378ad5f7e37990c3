import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'
import { addDatabase } from './testing/fake-world.ts'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

const write = async (text: string) => writeFile(join(bench.cwd, 'masking.yaml'), text)

const create = async (...more: string[]) =>
  bench.run('branches', 'create', '--name', 'masked', '--mask', 'masking.yaml', ...more)

const sent = (operation: string) =>
  bench.api.requests.findLast((request) => request.operation === operation)?.body

const complete = {
  database_name: 'neondb',
  schema_name: 'public',
  table_name: 'users',
  column_name: 'email',
  masking_function: 'anon.pseudo_email(email)',
}

const file = `
masking_rules:
  - table_name: users
    column_name: email
    masking_function: anon.pseudo_email(email)
  - { database_name: other, schema_name: app, table_name: t, column_name: a, masking_function: NULL }
  - { table_name: users, column_name: age, masking_value: 30 }
`

test('a masked branch is made of a file of rules, and waited for', async () => {
  await write(`database_name: neondb\n${file}`)
  const { code, stdout, stderr } = await create('-o', 'json')
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'Anonymizing table neondb.public.users (1/1)\n',
  })
  expect(JSON.parse(stdout)).toMatchObject({ branch: { name: 'masked' } })
  expect(sent('createProjectBranchAnonymized')).toMatchObject({
    branch_create: { branch: { name: 'masked' }, endpoints: [{ type: 'read_write' }] },
    masking_rules: [
      complete,
      { database_name: 'other', schema_name: 'app', masking_function: 'NULL' },
      { column_name: 'age', masking_value: '30' },
    ],
    start_anonymization: true,
  })
})

test('the database is the only one of the branch, and has to be named where there are more', async () => {
  await write(file)
  const { databases } = bench.world
  const [main] = bench.world.branches
  databases.splice(0)
  if (main) addDatabase(bench.world, main.id, 'neondb', 'neondb_owner')
  expect((await create()).code).toBe(0)
  expect(sent('createProjectBranchAnonymized')).toMatchObject({ masking_rules: [complete, {}, {}] })
  if (main) addDatabase(bench.world, main.id, 'second', 'neondb_owner')
  const { code, stderr } = await bench.run('branches', 'create', '--mask', 'masking.yaml')
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('second') })
})

test.each([
  ['nothing: 1', 'no list of masking_rules'],
  ['masking_rules: [{table_name: a, column: b}]', 'has column'],
  ['database_name: d\nmasking_rules: [{table_name: a}]', 'names no table or no column'],
  ['masking_rules: [1]', 'is no object'],
  ['{', 'neither YAML nor JSON'],
])('a file with %s is refused before anything is made', async (text, problem) => {
  await write(text)
  const { code, stderr } = await create()
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(problem) })
  expect(sent('createProjectBranchAnonymized')).toBeUndefined()
})

test('rules are shown, replaced and applied, and a run that fails says why', async () => {
  await write(JSON.stringify([complete]))
  await create()
  const shown = await bench.run('masking', 'rules', 'masked')
  expect(shown.stdout).toMatch(/neondb +public\.users +email +anon\.pseudo_email\(email\)/)
  expect((await bench.run('masking', 'status', 'masked')).stdout).toMatch(/State +anonymized/)
  const refreshed = await bench.run('masking', 'refresh', 'masked', '-o', 'json')
  expect(JSON.parse(refreshed.stdout)).toMatchObject({ state: 'anonymized' })
  const started = await bench.run('masking', 'refresh', 'masked', '--no-wait', '-o', 'json')
  expect(JSON.parse(started.stdout)).toMatchObject({ state: 'anonymizing' })
  await write(JSON.stringify([{ ...complete, masking_function: 'wrong' }]))
  const set = await bench.run('masking', 'rules', 'masked', '--set', 'masking.yaml', '-o', 'json')
  expect(JSON.parse(set.stdout)).toEqual([{ ...complete, masking_function: 'wrong' }])
  const failed = await bench.run('masking', 'refresh', 'masked')
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be made') })
})
