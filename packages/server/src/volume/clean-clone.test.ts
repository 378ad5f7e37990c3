import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { cleanClone } from './clean-clone.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coppice-clean-'))
})

afterEach(async () => rm(directory, { recursive: true, force: true }))

async function write(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), path)
  }
}

test('removes what belongs to the source alone and nothing else', async () => {
  const kept = [
    'PG_VERSION',
    'postgresql.auto.conf',
    'base/5/1259',
    'global/pg_control',
    'pg_wal/000000010000000000000001',
  ]
  await write(...kept, 'postmaster.pid', 'postmaster.opts', 'standby.signal', 'recovery.signal')
  await write('pg_replslot/history/state', 'pg_stat_tmp/global.stat', 'log/postgresql.log')
  await write('base/pgsql_tmp/pgsql_tmp1.0')

  await cleanClone(directory)

  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const paths = files.map((file) => join(file.parentPath, file.name).slice(directory.length + 1))
  expect(paths.toSorted()).toEqual(kept.toSorted())
  // PostgreSQL does not start without them.
  expect(await readdir(directory)).toEqual(expect.arrayContaining(['pg_replslot', 'pg_stat_tmp']))
})

test('keeps the backup_label of a copy that was never started', async () => {
  await write('backup_label', 'tablespace_map', 'backup_label.old')
  await cleanClone(directory)
  expect(await readdir(directory)).toEqual(['backup_label', 'tablespace_map'])
})

test('leaves a `log` alone that is a file, and may be repeated', async () => {
  await write('log')
  await cleanClone(directory)
  await cleanClone(directory)
  expect(await readFile(join(directory, 'log'), 'utf8')).toBe('log')
})

test('does not follow links out of the clone', async () => {
  await write('outside/server.log')
  await mkdir(join(directory, 'pgdata'))
  for (const name of ['log', 'pg_stat_tmp']) {
    await symlink('../outside', join(directory, 'pgdata', name))
  }
  await cleanClone(join(directory, 'pgdata'))
  expect(await readdir(join(directory, 'outside'))).toEqual(['server.log'])
})

test('does nothing where there is no cluster', async () => {
  await cleanClone(join(directory, 'pgdata'))
  expect(await readdir(directory)).toEqual([])
})
