import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'
import { isThere } from '../lib/files.ts'
import { superuserName } from './access-files.ts'
import { type Installation, supportedMajorVersions, systemDirectories } from './installations.ts'
import { postgresPort } from './settings.ts'
import { safeOptions } from './superuser.ts'

/** A pg_dump with the pg_restore beside it. */
export interface PgDump {
  /** Paths, or names that are found in PATH. */
  pgDump: string
  pgRestore: string
  majorVersion: number
}

/** Less than an API request may take. */
const timeoutMs = 100_000

/** How long pg_dump waits for a table that somebody alters or locks. */
const lockTimeoutMs = 30_000

/**
 * The pg_dump for servers of a major version: of the same version, else the oldest newer one, since an
 * older one refuses to work. Client packages have it where there is no server. Undefined where there is
 * none, as with PostgreSQL from npm alone.
 */
export async function findPgDump(
  installations: readonly Installation[],
  majorVersion: number,
): Promise<PgDump | undefined> {
  const directories = [
    ...installations.map((one) => one.binDirectory),
    ...supportedMajorVersions.flatMap(systemDirectories),
  ]
  const placed = await Promise.all([...new Set(directories)].map(inspectDirectory))
  const found = [...placed, await inspect('pg_dump', 'pg_restore')].filter(
    (one) => one !== undefined && one.majorVersion >= majorVersion,
  )
  return found.toSorted((a, b) => (a?.majorVersion ?? 0) - (b?.majorVersion ?? 0)).at(0)
}

async function inspectDirectory(directory: string): Promise<PgDump | undefined> {
  const [pgDump, pgRestore] = [join(directory, 'pg_dump'), join(directory, 'pg_restore')]
  const isWhole = (await isThere(pgDump)) && (await isThere(pgRestore))
  return isWhole ? inspect(pgDump, pgRestore) : undefined
}

async function inspect(pgDump: string, pgRestore: string): Promise<PgDump | undefined> {
  try {
    const version = /\(PostgreSQL\) (\d+)/.exec(await exec(pgDump, ['--version']))?.[1]
    return version === undefined ? undefined : { pgDump, pgRestore, majorVersion: Number(version) }
  } catch (error) {
    if (error instanceof Error && errorCode(error.cause) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * The schema of a database as pg_dump writes it. Without subscriptions and user mappings, which hold
 * passwords: pg_dump cannot leave out the latter, so its archive is read with a list that has none.
 */
export async function dumpSchema(
  tools: PgDump,
  socketDirectory: string,
  database: string,
): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'coppice-dump-'))
  try {
    const archive = join(scratch, 'archive')
    const list = join(scratch, 'list')
    const what = ['--schema-only', '--no-subscriptions', `--lock-wait-timeout=${lockTimeoutMs}`]
    const where = `--dbname=${connectionString(socketDirectory, database)}`
    await exec(tools.pgDump, [...what, '--format=custom', `--file=${archive}`, where], {
      timeoutMs,
    })
    const contents = await exec(tools.pgRestore, ['--list', archive])
    await writeFile(list, withoutUserMappings(contents))
    const script = await exec(tools.pgRestore, [`--use-list=${list}`, '--file=-', archive])
    return withoutRestriction(script)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** What stands in a connection string comes before any variable of the environment. */
function connectionString(socketDirectory: string, database: string): string {
  const parameters = {
    host: socketDirectory,
    port: String(postgresPort),
    user: superuserName,
    dbname: database,
    application_name: 'coppice',
    connect_timeout: '10',
    sslmode: 'disable',
    options: safeOptions(socketDirectory),
  }
  return Object.entries(parameters)
    .map(([name, value]) => `${name}='${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`)
    .join(' ')
}

/** A line for each entry: its number, two object ids, its type, and names, on one line whatever they are. */
function withoutUserMappings(list: string): string {
  return list
    .split('\n')
    .filter((line) => !/^\d+; \d+ \d+ USER MAPPING /.test(line))
    .join('\n')
}

/** Newer versions guard the script by a command of psql's with a random key, which is no SQL. */
function withoutRestriction(script: string): string {
  const key = /^\\restrict (\w+)$/m.exec(script.slice(0, 1000))?.[1]
  if (key === undefined) return script
  const end = script.lastIndexOf(`\\unrestrict ${key}\n`)
  return `${script.slice(0, end)}${script.slice(end).replace(/^.*\n/, '')}`.replace(
    `\\restrict ${key}\n`,
    '',
  )
}
