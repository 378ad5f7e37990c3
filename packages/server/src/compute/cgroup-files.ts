import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { errorCode } from '../lib/errors.ts'

/** The kernel's files of control groups: each is read and written in one call. */

/** Undefined where there is no such file. */
export function readGroupFile(directory: string, name: string): string | undefined {
  try {
    return readFileSync(join(directory, name), 'utf8').trim()
  } catch (error) {
    if (['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

/** Of lines of a name and a number, the number of a name; 0 where it is missing. */
export function fieldOf(text: string, name: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1) ?? 0)
}

export async function writeGroupFile(
  directory: string,
  name: string,
  value: string | number,
): Promise<void> {
  await writeFile(join(directory, name), String(value))
}

/** For what an older kernel does not have. */
export async function writeIfThere(
  directory: string,
  name: string,
  value: string | number,
): Promise<void> {
  if (readGroupFile(directory, name) !== undefined) await writeGroupFile(directory, name, value)
}

/** A process that is gone by now is in no group. */
export function enterGroup(directory: string, pid: number): void {
  try {
    writeFileSync(join(directory, 'cgroup.procs'), String(pid))
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

export async function makeGroup(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
}

/** The last process of a group leaves it a moment after it has ended. */
const emptyDeadlineMs = 500
const emptyPollMs = 10

/** Leaves one alone that still has processes or groups in it. */
export async function removeGroup(directory: string): Promise<void> {
  const deadline = performance.now() + emptyDeadlineMs
  for (;;) {
    try {
      await rmdir(directory)
      return
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return
      if (!['EBUSY', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error
      // Groups below it do not go away by themselves.
      const isEmpty = (readGroupFile(directory, 'cgroup.procs') ?? '') === ''
      if (isEmpty || performance.now() > deadline) return
    }
    await delay(emptyPollMs)
  }
}

/** Removes those that have neither processes nor groups in them, from the bottom up. Never rejects. */
export async function sweepGroups(directory: string): Promise<void> {
  try {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) await sweepGroups(join(directory, entry.name))
    }
    await rmdir(directory)
  } catch {
    // In use, or gone already.
  }
}

/** In which a share of processors is measured. Short: a query over its share waits for a moment only. */
export const periodMicroseconds = 50_000

/** Counters of the kernel's memory management are in pages. */
export const pageBytes = 4096

/** The kernel lets each process reach a point where it can stop: microseconds, unless it waits for a disk. */
const freezeDeadlineMs = 1_000
const freezePollMs = 2

/** Lets the processes of a group of either version go on. */
export async function thawGroup(directory: string): Promise<void> {
  await writeIfThere(directory, 'freezer.state', 'THAWED')
  await writeIfThere(directory, 'cgroup.freeze', 0)
}

/** Whether all that was told to stop has done so; after a deadline it is let go on. */
export async function awaitFrozen(
  isFrozen: () => boolean,
  thaw: () => Promise<void>,
): Promise<boolean> {
  const deadline = performance.now() + freezeDeadlineMs
  while (!isFrozen()) {
    if (performance.now() > deadline) {
      await thaw()
      return false
    }
    await delay(freezePollMs)
  }
  return true
}
