import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'

import { assert } from '../lib/assert.ts'
import { describeError } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { createVolumeDriver, type DriverKind } from './driver-kinds.ts'
import type { VolumeDriver } from './volume.ts'

export type DriverProbe =
  | { works: true; createMs: number; cloneMs: number; destroyMs: number }
  | { works: false; reason: string }

/** Tries a driver in a directory: creates a volume of one small file, clones and destroys it. */
export async function probeDriver(
  kind: DriverKind,
  root: string,
  user: OsUser | undefined,
): Promise<DriverProbe> {
  const scratch = join(root, `.probe-${randomBytes(4).toString('hex')}`)
  await mkdir(scratch)
  const driver = createVolumeDriver(kind, scratch, user)
  try {
    return { works: true, ...(await timeDriver(driver)) }
  } catch (error) {
    return { works: false, reason: describeError(error) }
  } finally {
    // Also what the attempt has left: each driver can clear what it made.
    for (const id of ['source', 'clone']) await driver.destroy(id).catch(() => undefined)
    await rm(scratch, { recursive: true, force: true })
  }
}

async function timeDriver(
  driver: VolumeDriver,
): Promise<{ createMs: number; cloneMs: number; destroyMs: number }> {
  const createMs = await timed(async () => driver.create('source'))
  // More than what file systems keep within the inode.
  const content = Buffer.alloc(64 * 1024, 'x')
  await writeFile(join(driver.path('source'), 'file'), content)
  const cloneMs = await timed(async () => driver.clone('source', 'clone'))
  const cloned = await readFile(join(driver.path('clone'), 'file'))
  assert(cloned.equals(content), 'a clone has the content of its source')
  const destroyMs = await timed(async () => driver.destroy('clone'))
  await driver.destroy('source')
  return { createMs, cloneMs, destroyMs }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return Math.round((performance.now() - startedAt) * 10) / 10
}
