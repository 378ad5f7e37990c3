import { chmod, lchown, mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { writeFileAtomically } from '../lib/files.ts'
import { createVolumeDriver, type DriverKind, driverKinds } from './driver-kinds.ts'
import { type DriverProbe, probeDriver } from './probe-driver.ts'
import type { VolumeDriver } from './volume.ts'

/** What a directory offers as a pool, as plain data. */
export interface PoolProbe {
  root: string
  /** The best that works here; undefined where not even copying does. */
  driver: DriverKind | undefined
  drivers: Record<DriverKind, DriverProbe>
  /** Whether the database's OS user can reach the pool: every directory above must let it pass. */
  isReachable: boolean
  /** What the user should do about the above, if anything. */
  warnings: string[]
}

/**
 * Finds out by doing it which drivers work in a directory, which is made where it is not there. Leaves
 * nothing else behind.
 */
export async function probePool(root: string, user: OsUser | undefined): Promise<PoolProbe> {
  await makePoolDirectory(root)
  const drivers = {
    btrfs: await probeDriver('btrfs', root, user),
    reflink: await probeDriver('reflink', root, user),
    copy: await probeDriver('copy', root, user),
  }
  const driver = driverKinds.find((kind) => drivers[kind].works)
  const isReachable = await canReach(root, user)
  const warning = driver && createVolumeDriver(driver, root, user).warning
  const warnings = [
    ...(warning === undefined ? [] : [warning]),
    ...(isReachable ? [] : [unreachable(root, user)]),
  ]
  return { root, driver, drivers, isReachable, warnings }
}

/**
 * The driver of a pool. Probed when the pool is first opened and written down in it (`driver`), since a
 * pool that is full for the moment would probe as something worse, and volumes of one driver are not
 * those of another. Rejects where the directory cannot serve at all.
 *
 * The caller sees to it that the pool's file system is mounted: an empty directory underneath would
 * become a pool of its own.
 */
export async function openPool(root: string, user: OsUser | undefined): Promise<VolumeDriver> {
  await makePoolDirectory(root)
  const kind = (await readKind(root)) ?? (await chooseKind(root, user))
  return createVolumeDriver(kind, root, user)
}

async function chooseKind(root: string, user: OsUser | undefined): Promise<DriverKind> {
  const { driver, drivers } = await probePool(root, user)
  if (driver === undefined) {
    const why = drivers.copy.works ? '' : `: ${drivers.copy.reason}`
    throw new Error(`${root} cannot hold volumes${why}`)
  }
  // Who opens it first, to look at it, need not be who works with it.
  await writeFileAtomically(join(root, kindFile), `${driver}\n`, 0o644)
  return driver
}

const kindFile = 'driver'

async function readKind(root: string): Promise<DriverKind | undefined> {
  const path = join(root, kindFile)
  try {
    const content = (await readFile(path, 'utf8')).trim()
    const kind = driverKinds.find((name) => name === content)
    if (kind === undefined) throw new Error(`${path} names no volume driver`)
    return kind
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Makes the pool's directory, or takes the one that is there; others may pass through, not look around. It
 * belongs to whom the one above does, also where it is root who looks.
 */
async function makePoolDirectory(root: string): Promise<void> {
  const created = await mkdir(root, { recursive: true })
  if (created === undefined) return
  await chmod(root, 0o711)
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(dirname(root))
  await lchown(root, uid, gid)
}

async function canReach(root: string, user: OsUser | undefined): Promise<boolean> {
  if (user === undefined) return true
  try {
    await exec('test', ['-x', root], { user })
    return true
  } catch {
    // Exit code 1: no. Whatever else went wrong, the user has not been shown to get there.
    return false
  }
}

function unreachable(root: string, user: OsUser | undefined): string {
  return (
    `the database's OS user ${user?.name ?? ''} cannot reach ${root}: ` +
    'every directory above it must be passable for others (`chmod o+x`)'
  )
}
