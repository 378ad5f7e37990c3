import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { progressText } from './program-progress.ts'
import { type Bench, startBench } from './testing/cli.ts'

// Each test starts a Node or two, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

/** A program that writes down its arguments and prints `lines`. */
async function answering(...lines: unknown[]): Promise<void> {
  await bench.useProgram(`import { writeFileSync } from 'node:fs'
writeFileSync(${JSON.stringify(join(bench.cwd, 'argv'))}, process.argv.slice(2).join(' '))
for (const line of ${JSON.stringify(lines)}) console.log(JSON.stringify(line))
`)
}

const given = async (): Promise<string> => readFile(join(bench.cwd, 'argv'), 'utf8')

const backup = {
  id: '2026-01-31T12-00-00Z',
  version: '0.1.0',
  started_at: '2026-01-31T12:00:00.000Z',
  finished_at: '2026-01-31T12:00:04.500Z',
  with_history: true,
  projects: 1,
  branches: 3,
  bytes: 3 * 1024 ** 3,
  added_bytes: 2 * 1024 ** 2,
}

test('backup passes its flags on, tells of its steps, and shows what was made', async () => {
  const step = { event: 'step', message: 'Removing what no kept backup needs' }
  const removed = { backups: 1, objects: 20 }
  await answering(step, { event: 'progress', done: 1 }, { place: '/b', ...backup, removed })
  const flags = ['--no-history', '--keep', '3', '--passphrase-file', 'p']
  const { code, stdout, stderr } = await bench.run('backup', '/b', ...flags)
  expect({ code, stderr }).toEqual({ code: 0, stderr: `${step.message}\n` })
  expect(stdout).toMatch(
    /Branches +3 in 1 project\n.*\nFiles +3\.0 GB\nAdded +2\.0 MB\nTook +4\.5 s/,
  )
  expect(stdout).toContain('1 backups, 20 objects')
  expect(await given()).toBe(
    'backup create /b --without-history --keep 3 --passphrase-file p --json',
  )
  expect((await bench.run('backup', '/b', '--keep', '0')).stderr).toContain('1 or more')
})

test('flags of the place reach list and verify, wherever they stand', async () => {
  await answering({ backups: [backup] })
  const place = ['s3://b/c', '--s3-endpoint', 'http://127.0.0.1:1']
  const { stdout } = await bench.run('backup', 'list', ...place)
  expect(stdout).toMatch(/2026-01-31T12-00-00Z +3 in 1 project/)
  expect(await given()).toBe('backup list s3://b/c --s3-endpoint http://127.0.0.1:1 --json')
  await answering({ backups: [backup.id], objects: 7, bytes: 1024, problems: [] })
  const verified = await bench.run('backup', '--s3-region', 'x', 'verify', '/b', '--backup', 'id')
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('all are whole') })
  expect(await given()).toBe('backup verify /b --backup id --s3-region x --json')
})

test('verify fails where something is damaged, and names it', async () => {
  const problems = [{ backup: backup.id, tree: 'volume br-1', message: 'object x is missing' }]
  await answering({ backups: [backup.id], objects: 7, bytes: 1024, problems })
  const { code, stdout } = await bench.run('backup', 'verify', '/b')
  expect(code).toBe(1)
  expect(stdout).toContain(`${backup.id}: volume br-1: object x is missing`)
})

test('restore says what is to be done next; eject names the branch', async () => {
  await answering({ ...backup, home: '/srv/coppice', notes: ['Install PostgreSQL 17.'] })
  const { stdout } = await bench.run('restore', '/b', '--pool-size', '5G', '--home', '/srv/coppice')
  expect(stdout).toContain('Note: Install PostgreSQL 17.\nStart it: coppice up --home /srv/coppice')
  expect(await given()).toBe('restore /b --pool-size 5G --json --home /srv/coppice')
  await answering({ branch: 'main', directory: '/d', pg_version: 18, readme: '/d/README.md' })
  const ejected = await bench.run('eject', 'main', '--to', '/d', '--owner', 'postgres')
  expect(ejected.stdout).toContain('How to run it: /d/README.md')
  expect(await given()).toMatch(
    /^eject --project \S+ --branch main --to \/d --owner postgres --json$/,
  )
  expect((await bench.run('eject', 'main')).code).toBe(1)
})

test('progress is a part of a whole, or a count', () => {
  const event = { event: 'progress', done: 1, total: 4, bytes: 1024, message: 'dev' } as const
  expect(progressText(event, { bar: true })).toBe('[######------------------] 25%, 1.0 kB, dev')
  expect(progressText({ event: 'progress', done: 9 }, { bar: false })).toBe('9 objects')
})
