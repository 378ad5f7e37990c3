import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import type { Migration } from '@coppice/migrate/migration'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { Cli } from '../cli.ts'
import { readMigrations } from './files.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coppice-migrations-'))
})
afterEach(async () => rm(directory, { recursive: true, force: true }))

async function write(path: string, content = 'select 1'): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true })
  await writeFile(join(directory, path), content)
}

async function read(...given: string[]): Promise<Migration[]> {
  // Nothing else of the CLI is asked for.
  return readMigrations({ config: { cwd: directory } } as Cli, given)
}

const namesOf = (migrations: readonly Migration[]) => migrations.map(({ name }) => name)

test('plain files run by number, then by letter, without their ways back', async () => {
  for (const name of ['10_c.sql', '2_b.sql', '0001_a.sql', 'later.sql', 'V3__x.sql']) {
    await write(`migrations/${name}`)
  }
  await write('migrations/2_b.down.sql')
  await write('migrations/U3__x.sql')
  await write('migrations/README.md', 'not SQL')
  const inOrder = ['0001_a.sql', '2_b.sql', 'V3__x.sql', '10_c.sql', 'later.sql']
  expect(namesOf(await read())).toEqual(inOrder)
  expect(namesOf(await read('migrations'))).toEqual(inOrder)
  // As a shell writes `migrations/*`.
  const glob = ['0001_a.sql', '10_c.sql', '2_b.sql', 'README.md', 'V3__x.sql', 'later.sql']
  expect(namesOf(await read(...glob.map((name) => `migrations/${name}`)))).toEqual(inOrder)
})

test("Prisma's directories are migrations, by their names", async () => {
  await write('prisma/migrations/20260102_b/migration.sql')
  await write('prisma/migrations/20260101_a/migration.sql')
  await write('prisma/migrations/migration_lock.toml', 'provider = "postgresql"')
  expect(namesOf(await read())).toEqual(['20260101_a', '20260102_b'])
  expect(namesOf(await read('prisma/migrations/20260102_b'))).toEqual(['20260102_b'])
  const entries = ['migration_lock.toml', '20260102_b/migration.sql', '20260101_a']
  expect(namesOf(await read(...entries.map((name) => `prisma/migrations/${name}`)))).toEqual([
    '20260101_a',
    '20260102_b',
  ])
})

test("Drizzle's journal says the order, and its breakpoints are comments", async () => {
  await write('drizzle/0000_b.sql', 'create table b ();\n--> statement-breakpoint\nselect 1')
  await write('drizzle/0001_a.sql')
  await write('drizzle/unlisted.sql')
  const entries = [
    { idx: 1, tag: '0001_a', when: 2 },
    { idx: 0, tag: '0000_b', when: 1 },
  ]
  await write('drizzle/meta/_journal.json', JSON.stringify({ entries }))
  const [first, second] = await read('drizzle')
  expect(first).toMatchObject({ name: '0000_b.sql', journaledAt: 1 })
  expect(first?.statements.map(({ line }) => line)).toEqual([1, 3])
  expect(second).toMatchObject({ name: '0001_a.sql', journaledAt: 2 })
})

test.each([
  ['-- Up Migration\nselect 1;\n-- Down Migration\ndrop table t', [2]],
  ['-- Down Migration\ndrop table t;\n\n-- Up Migration\nselect 1', [5]],
  ['-- migrate:up\nselect 1;\n\nselect 2;\n-- migrate:down\ndrop table t', [2, 4]],
  ['-- +goose Up\nselect 1;\n-- +goose Down\ndrop table t', [2]],
])('only the way forward of %j is run', async (content, lines) => {
  await write('1.sql', content)
  const [migration] = await read('1.sql')
  expect(migration?.statements.map(({ line }) => line)).toEqual(lines)
})

test('the checksum is the SHA-256 of the file as it is', async () => {
  const content = '\uFEFF-- é\nselect 1\n'
  await write('1.sql', content)
  const [migration] = await read('1.sql')
  expect(migration?.checksum).toBe(createHash('sha256').update(content).digest('hex'))
})

test.each([
  ['select 1; select 2', true, 2],
  ['begin;\nselect 1;\ncommit;', true, 1],
  ['select 1; create index concurrently i on t (a)', false, 2],
  ['-- no-transaction\nselect 1', false, 1],
  ['-- migrate:up transaction:false\nselect 1', false, 1],
])('%j runs in one transaction: %s', async (content, transactional, count) => {
  await write('1.sql', content)
  const [migration] = await read('1.sql')
  expect(migration?.transactional).toBe(transactional)
  expect(migration?.statements).toHaveLength(count)
})

test.each([
  ['select 1;\ncommit;\nselect 2', '1.sql:2: a file runs in one transaction'],
  ['begin; vacuum t; commit', '1.sql:1: this statement cannot run in a transaction'],
])('%j is refused', async (content, message) => {
  await write('1.sql', content)
  await expect(read('1.sql')).rejects.toThrow(message)
})

test('what cannot be told apart or is not there is refused', async () => {
  await expect(read()).rejects.toThrow('Which migrations?')
  await write('a/1.sql')
  await write('b/1.sql')
  await expect(read('a', 'b')).rejects.toThrow('Two migrations are called 1.sql')
  await expect(read('c')).rejects.toThrow('ENOENT')
  await write('d/readme.txt')
  await expect(read('d')).rejects.toThrow('There are no migrations in d')
})
