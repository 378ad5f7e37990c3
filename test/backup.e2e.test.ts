import { execFileSync } from 'node:child_process'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createDirectoryPlace } from '../packages/server/src/backup/directory-place.ts'
import { Repository } from '../packages/server/src/backup/repository.ts'
import { psql, run, startTestPlatform, type TestPlatform, until } from './platform.ts'

/**
 * All of a platform, taken while it is written to, and made again elsewhere: by another OS user, on
 * another kind of pool. What was acknowledged before the backup began is there, and nothing is lost of
 * who may connect and how.
 */
const isRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }
const passphrase = { COPPICE_BACKUP_PASSPHRASE: 'correct horse battery' }

let directory: string
let place: string
let platform: TestPlatform
let restored: TestPlatform
let writer: Writer
let before: { acknowledged: number; moment: string; devUri: string; rows: string }

/** Inserts one number after another, each in a transaction that is waited for. */
class Writer {
  acknowledged = 0
  #isWanted = true
  readonly #running: Promise<void>

  constructor(uri: string) {
    this.#running = this.#write(uri)
  }

  async stop(): Promise<void> {
    this.#isWanted = false
    await this.#running
  }

  async #write(uri: string): Promise<void> {
    const client = await connect(uri)
    while (this.#isWanted) {
      await client.query('INSERT INTO ledger VALUES ($1)', [this.acknowledged + 1])
      this.acknowledged += 1
    }
    await client.end()
  }
}

async function connect(connectionUri: string): Promise<Client> {
  const uri = new URL(connectionUri)
  uri.searchParams.delete('sslmode')
  uri.searchParams.delete('channel_binding')
  const ssl = { rejectUnauthorized: false }
  const client = new Client({ connectionString: uri.toString(), ssl })
  await client.connect()
  return client
}

/** A connection string of the one platform, as of the other. */
function atOther(uri: string, other: TestPlatform): string {
  const moved = new URL(uri)
  moved.port = String(other.directPort)
  return moved.toString().replaceAll('+', '%20')
}

/** That of a release that does not exist yet, as an older one sees it. */
async function refuseNewerState(home: string, shell: TestPlatform['shell']): Promise<void> {
  const path = join(home, 'config.json')
  const config = await readFile(path, 'utf8')
  await writeFile(path, JSON.stringify({ ...JSON.parse(config), state_version: 9999 }))
  const names = await readdir(home)
  await expect(shell('coppice up')).rejects.toThrow('written by a newer Coppice')
  expect(await readdir(home)).toEqual(names)
  await writeFile(path, config)
}

/** Gives a backup another time. */
async function moveBackup(from: string, to: string): Promise<void> {
  const repository = await Repository.open(createDirectoryPlace(place), {
    passphrase: passphrase.COPPICE_BACKUP_PASSPHRASE,
  })
  await repository.writeManifest({ ...(await repository.readManifest(from)), id: to })
  await rm(join(place, 'backups', from))
}

const facts = `SELECT count(*) || ' ' || md5(string_agg(n || m, ',' ORDER BY n)) FROM facts`

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coppice-backup-'))
  place = join(directory, 'place')
  platform = await startTestPlatform({ env: passphrase })
  await psql(
    platform.connectionUri,
    `CREATE TABLE facts AS SELECT n, md5(n::text) AS m FROM generate_series(1, 20000) n;
     CREATE TABLE ledger (n int PRIMARY KEY)`,
  )
  await platform.neon('branches', 'create', '--name', 'dev')
  const devUri = (await platform.neon('connection-string', 'dev')).trim()
  await psql(devUri, 'DELETE FROM facts WHERE n > 100')
  writer = new Writer(platform.connectionUri)
  await until(async () => writer.acknowledged > 10, 'the writer writes')
  const moment = await psql(
    platform.connectionUri,
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  )
  const { acknowledged } = writer
  await until(async () => writer.acknowledged > acknowledged + 10, 'the writer writes')
  const rows = await psql(platform.connectionUri, facts)
  before = { acknowledged: writer.acknowledged, moment, devUri, rows }
})

afterAll(async () => {
  await writer?.stop().catch(() => undefined)
  await platform?.remove()
  await restored?.remove()
  await rm(directory, { recursive: true, force: true })
})

test.runIf(isRoot)(
  'whoever owns the directory of an ejected branch leads root nowhere',
  async () => {
    const [target, victim] = [join(directory, 'theirs'), join(directory, 'victim')]
    await writeFile(victim, 'mine')
    await mkdir(target)
    await chown(target, nobody.uid, nobody.gid)
    const plant = `until [ -e ${target}/PG_VERSION ] || [ ! -x ${target} ]; do :; done
    ln -sf ${victim} ${target}/README.md`
    await chmod(directory, 0o711)
    const planting = run('bash', ['-c', plant], nobody).catch(() => 'refused')
    await platform.shell(`coppice eject main --to ${target}`)
    expect(await planting).toBe('refused')
    expect(await readFile(victim, 'utf8')).toBe('mine')
    expect((await lstat(join(target, 'README.md'))).isFile()).toBe(true)
  },
)

test('a backup is made while the platform is written to, and another adds what is new', async () => {
  const first = JSON.parse(await platform.shell(`coppice backup ${place} -o json`))
  const since = writer.acknowledged
  expect(first).toMatchObject({ encrypted: true, branches: 2, projects: 1, with_history: true })
  expect(since).toBeGreaterThan(before.acknowledged)
  // As if the clock had been ahead then.
  const ahead = '2999-12-31T23-59-59Z'
  await moveBackup(first.id, ahead)
  const second = JSON.parse(await platform.shell(`coppice backup ${place} --keep 1 -o json`))
  expect(second.added_bytes).toBeLessThan(first.added_bytes / 2)
  expect(second.removed.backups).toBe(1)
  expect(await readdir(join(place, 'backups'))).toEqual([second.id])
  before.acknowledged = since
  expect(await platform.shell(`coppice backup list ${place}`)).toContain('2 in 1 project')
  expect(await platform.shell(`coppice backup verify ${place}`)).toContain('all are whole')
  // Nothing stays behind on the pool.
  const pool = join(platform.home, 'pool')
  expect((await readdir(join(pool, 'volumes'))).filter((one) => /scratch/.test(one))).toEqual([])
  expect((await readdir(pool)).filter((name) => name.startsWith('.held'))).toEqual([])
})

test('it becomes a platform elsewhere, with the same connection strings and keys', async () => {
  await writer.stop()
  if (isRoot) execFileSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, directory])
  restored = await startTestPlatform({
    ...(isRoot && { user: nobody }),
    env: passphrase,
    prepare: async ({ home, shell }) => {
      await writeFile(join(home, 'mine'), '')
      await expect(shell(`coppice restore ${place}`)).rejects.toThrow('is not empty')
      await rm(join(home, 'mine'))
      // As one that was cut off has left it.
      await writeFile(join(home, 'restoring.json'), '{}')
      await writeFile(join(home, 'config.json'), 'half')
      if (isRoot) await chown(join(home, 'restoring.json'), nobody.uid, nobody.gid)
      await expect(shell('coppice up')).rejects.toThrow('has not come to its end')
      expect(await shell(`coppice restore ${place}`)).toContain('2 in 1 project')
      await refuseNewerState(home, shell)
    },
  })
  // Another user makes no pool image.
  expect(isRoot && restored.poolDriver === platform.poolDriver).toBe(false)
  expect(restored.projectId).toBe(platform.projectId)
  expect(restored.apiKey).toBe(platform.apiKey)
  expect(restored.connectionUri).toBe(
    platform.connectionUri.replace(`:${platform.directPort}/`, `:${restored.directPort}/`),
  )
  const authorities = [platform, restored].map(async ({ caFile }) => readFile(caFile, 'utf8'))
  expect((await authorities[1]) === (await authorities[0])).toBe(true)

  const uri = restored.connectionUri
  expect(await psql(uri, facts)).toBe(before.rows)
  const [count, last] = (await psql(uri, 'SELECT count(*), max(n) FROM ledger')).split('|')
  expect(Number(last)).toBeGreaterThanOrEqual(before.acknowledged)
  expect(count).toBe(last)
  // The password of a branch that slept, from its own row and its own cluster.
  const devUri = atOther(before.devUri, restored)
  expect(await psql(devUri, 'SELECT count(*) FROM facts')).toBe('100')
  await psql(uri, 'INSERT INTO ledger VALUES (-1)')
})

test('its past can be gone back to, before the backup and after the restore', async () => {
  const moment = await psql(
    restored.connectionUri,
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  )
  await psql(restored.connectionUri, 'DELETE FROM ledger')
  const since = await ledgerAt('since', moment)
  expect(since[0]).toBe('-1')
  expect(Number(since[1])).toBeGreaterThanOrEqual(before.acknowledged)

  const [first, last] = await ledgerAt('then', before.moment)
  expect(first).toBe('1')
  expect(Number(last)).toBeGreaterThan(10)
  expect(Number(last)).toBeLessThan(before.acknowledged)
})

/** The least and the greatest number of the ledger at a moment, which has all between the two. */
async function ledgerAt(name: string, moment: string): Promise<string[]> {
  const { connection_uris: uris } = await restored.client.createProjectBranch({
    path: { project_id: restored.projectId },
    body: {
      branch: { name, parent_timestamp: moment },
      endpoints: [{ type: 'read_write' }],
    },
  })
  const sql = 'SELECT min(n), max(n), count(*) FROM ledger'
  const [first = '', last = '', count = ''] = (
    await psql(uris?.[0]?.connection_uri ?? '', sql)
  ).split('|')
  // Zero is not among them.
  expect(Number(count)).toBe(Number(last) - Number(first) + (Number(first) < 0 ? 0 : 1))
  return [first, last]
}

test('a branch is ejected to a data directory that stock PostgreSQL runs', async () => {
  const target = join(directory, 'ejected')
  const summary = await restored.shell(`coppice eject main --to ${target} -o json`)
  const { pg_version: version, readme } = JSON.parse(summary)
  expect(await readFile(readme, 'utf8')).toContain(`postgres:${version}`)
  await expect(restored.shell(`coppice eject main --to ${target}`)).rejects.toThrow('is not empty')
  const servers = join(restored.home, 'postgres')
  const name = (await readdir(servers)).find((one) => one.startsWith(`${version}.`)) ?? ''
  const pgCtl = join(servers, name, 'bin', 'pg_ctl')
  const options = isRoot ? { ...nobody } : {}
  const port = restored.directPort + 1
  const start = ['-D', target, '-l', join(directory, 'log'), '-o', `-k ${directory} -p ${port}`]
  await run(pgCtl, [...start, '-w', 'start'], { ...options, cwd: '/' })
  try {
    const stock = new URL(restored.connectionUri)
    Object.assign(stock, { host: `127.0.0.1:${port}`, search: '' })
    expect(await psql(stock.toString(), facts)).toBe(before.rows)
    stock.password = 'wrong'
    await expect(psql(stock.toString(), 'SELECT 1')).rejects.toThrow('password authentication')
    // The superuser, by the socket and as the owner alone, under another name in the end.
    const admin = `postgresql:///postgres?host=${directory}&port=${port}`
    const asOwner = async (user: string, sql: string) =>
      run('psql', ['-X', '-A', '-t', '-c', sql, `${admin}&user=${user}`], { ...options, cwd: '/' })
    await asOwner('cloud_admin', `CREATE ROLE admin SUPERUSER LOGIN PASSWORD 'long enough'`)
    const other = `postgresql://admin:long%20enough@127.0.0.1:${port}/postgres`
    await psql(other, 'ALTER ROLE cloud_admin RENAME TO postgres')
    expect(await psql(other, 'SELECT rolsuper FROM pg_roles WHERE oid = 10')).toBe('t')
    await expect(asOwner('cloud_admin', 'SELECT 1')).rejects.toThrow('does not exist')
  } finally {
    await run(pgCtl, ['-D', target, '-m', 'fast', '-w', 'stop'], { ...options, cwd: '/' })
  }
})

test('a byte that has changed is found', async () => {
  const chunks = join(place, 'chunks')
  const entries = await readdir(chunks, { recursive: true, withFileTypes: true })
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const content = await readFile(path)
    content[content.length - 1] = (content[content.length - 1] ?? 0) ^ 1
    await writeFile(path, content)
    break
  }
  await expect(restored.shell(`coppice backup verify ${place}`)).rejects.toThrow('Damaged')
})
