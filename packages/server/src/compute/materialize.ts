import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join, normalize, relative } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { syncDirectory } from '../lib/files.ts'
import type { Installation } from './installations.ts'
import { findShareDirectory, mirrorInstallation, trustExtensions } from './mirror-installation.ts'

/**
 * Makes an installation usable for computes, with the platform's word on extensions, and answers where it
 * then is. `trustedToo` are further extensions that roles may create.
 *
 * A distribution's server is mirrored by links (`mirror-installation.ts`). The npm one is copied once to
 * `<directory>/<version>/`: `node_modules` may lie where the database's user cannot reach, and an upgrade
 * of the platform may replace it under running postmasters, which load libraries and time zones from
 * there on demand.
 */
export async function materializeInstallation(
  installation: Installation,
  directory: string,
  user: OsUser | undefined,
  trustedToo: readonly string[] = [],
): Promise<Installation> {
  if (installation.origin !== 'npm') {
    return mirrorOrUseInPlace(installation, directory, user, trustedToo)
  }
  const target = join(directory, installation.version)
  if (!(await isThere(target))) await copyWhole(dirname(installation.binDirectory), target)
  const binDirectory = join(target, 'bin')
  const share = await findShareDirectory(binDirectory, installation.majorVersion)
  if (share !== undefined) await trustExtensions(share, trustedToo)
  await checkRuns(binDirectory, user)
  return { ...installation, binDirectory }
}

/** In place roles create what PostgreSQL itself trusts them with. */
async function mirrorOrUseInPlace(
  installation: Installation,
  directory: string,
  user: OsUser | undefined,
  trustedToo: readonly string[],
): Promise<Installation> {
  const { binDirectory, version } = installation
  // One version may be there twice.
  const mark = createHash('sha256').update(binDirectory).digest('hex').slice(0, 8)
  const target = join(directory, `${version}-${mark}`)
  const mirrored = await mirrorInstallation(installation, target, trustedToo)
  if (mirrored === undefined) return installation
  try {
    await checkRuns(mirrored, user)
    return { ...installation, binDirectory: mirrored }
  } catch {
    // A program that finds its libraries from where it lies in another way than PostgreSQL does.
    return installation
  }
}

async function copyWhole(native: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  const beside = `${target}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const mode = constants.COPYFILE_FICLONE
    await cp(native, beside, { recursive: true, verbatimSymlinks: true, mode })
    await addSymlinks(beside)
    await openToAll(beside)
    // Some 1,500 files: one flush of everything is quicker than one each, and this happens once.
    await exec('sync', [])
    await renameUnlessThere(beside, target)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  await syncDirectory(dirname(target))
}

/** npm packs no symbolic links: the package lists them for its install script, which may not have run. */
async function addSymlinks(native: string): Promise<void> {
  const listed: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))
  if (!Array.isArray(listed)) throw new Error('pg-symlinks.json is not a list')
  for (const entry of listed as { source?: unknown; target?: unknown }[]) {
    const link = insideNative(entry.target)
    const to = relative(dirname(link), insideNative(entry.source))
    try {
      await symlink(to, join(native, link))
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
  }
}

function insideNative(path: unknown): string {
  const inside = typeof path === 'string' ? relative('native', normalize(path)) : '..'
  if (inside.startsWith('..')) throw new Error('pg-symlinks.json names a path outside the package')
  return inside
}

/** Whatever the umask of the install was: readable and searchable by the database's user. */
async function openToAll(path: string): Promise<void> {
  const found = await lstat(path)
  if (found.isSymbolicLink()) return
  const isRunnable = found.isDirectory() || (found.mode & 0o100) !== 0
  await chmod(path, isRunnable ? 0o755 : 0o644)
  if (!found.isDirectory()) return
  for (const name of await readdir(path)) await openToAll(join(path, name))
}

/** Another process may have finished its copy first; either is as good. */
async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    const code = errorCode(error)
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
}

async function checkRuns(binDirectory: string, user: OsUser | undefined): Promise<void> {
  try {
    await exec(join(binDirectory, 'postgres'), ['--version'], { user })
  } catch (error) {
    const who = user?.name ?? 'this user'
    throw new Error(`${binDirectory}/postgres cannot be run by ${who}`, { cause: error })
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
