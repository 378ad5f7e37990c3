import { chmod, chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { renderPgHbaConf, renderPgIdentConf } from './access-files.ts'
import { hasLibrary, type Installation } from './installations.ts'
import { platformUserName } from './os-user.ts'
import { limitsFileName, renderLimitsConf, renderPostgresConf } from './settings.ts'
import type { ComputeSpec } from './spec.ts'
import { tokenRoles } from './token-roles.ts'

export interface ConfigPlace {
  /** The compute's own directory. */
  directory: string
  socketDirectory: string
  /** That PostgreSQL runs as. */
  user: OsUser | undefined
  /** The size in force, where it is not the maximum. */
  units?: number
}

export const configFilePath = (directory: string): string => join(directory, 'postgresql.conf')

/**
 * Writes postgresql.conf, pg_hba.conf and pg_ident.conf where they differ from what is there, and makes
 * the socket directory. Needs no flush: they are written again before every start.
 */
export async function writeConfigFiles(
  spec: ComputeSpec,
  place: ConfigPlace,
  installation: Installation,
): Promise<void> {
  const { hbaFile, identFile } = accessFilePaths(place)
  const conf = renderPostgresConf(spec, {
    socketDirectory: place.socketDirectory,
    hbaFile,
    identFile,
    platform: process.platform,
    hasStatStatements: await hasLibrary(installation, 'pg_stat_statements'),
  })
  await Promise.all([
    writeWhereChanged(configFilePath(place.directory), conf, place.user),
    writeLimitsFile(place, renderLimitsConf(spec, place.units ?? spec.maxComputeUnits)),
    writeAccessFiles(spec, place),
    makePrivateDirectory(place.socketDirectory, place.user),
  ])
}

/** The part of the configuration that a running PostgreSQL is told to read again. */
export async function writeLimitsFile(
  { directory, user }: Pick<ConfigPlace, 'directory' | 'user'>,
  limits: string,
): Promise<void> {
  await writeWhereChanged(join(directory, limitsFileName), limits, user)
}

/** Who may log in, and how. Answers whether that has changed. */
export async function writeAccessFiles(spec: ComputeSpec, place: ConfigPlace): Promise<boolean> {
  const { hbaFile, identFile } = accessFilePaths(place)
  const roles = tokenRoles(spec.jwks)
  const platform = platformUserName()
  const users = { platform, database: place.user?.name ?? platform }
  const changes = await Promise.all([
    writeWhereChanged(hbaFile, renderPgHbaConf(roles), place.user),
    writeWhereChanged(identFile, renderPgIdentConf(users, roles), place.user),
  ])
  return changes.includes(true)
}

function accessFilePaths({ directory }: ConfigPlace): { hbaFile: string; identFile: string } {
  return { hbaFile: join(directory, 'pg_hba.conf'), identFile: join(directory, 'pg_ident.conf') }
}

/** PostgreSQL may read it and not change it. Answers whether it was another. */
async function writeWhereChanged(
  path: string,
  content: string,
  user: OsUser | undefined,
): Promise<boolean> {
  if ((await readIfThere(path)) === content) return false
  const beside = `${path}.tmp`
  await writeFile(beside, content, { mode: 0o640 })
  if (user) await chown(beside, 0, user.gid)
  await rename(beside, path)
  return true
}

/** Whoever can enter it can try to log in, so it is 0700 and PostgreSQL's own. */
async function makePrivateDirectory(path: string, user: OsUser | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chmod(path, 0o700)
  if (user) await chown(path, user.uid, user.gid)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
