import { setTimeout as delay } from 'node:timers/promises'

import { readPidFile } from './pid-file.ts'
import {
  type ChildIdentity,
  commandLine,
  findProcessesIn,
  type ProcessIdentity,
  sendSignal,
  waitUntilGone,
} from './processes.ts'

/** SIGKILL is not refused; only a process in an uninterruptible wait for storage takes long. */
export const killDeadlineMs = 30_000

/**
 * Ends the children of dead postmasters; recovery undoes what they did, as after any crash. A live
 * postmaster, another owner's perhaps, and its children are left alone, and so is a person's shell.
 */
export async function endOrphans(dataDirectory: string): Promise<void> {
  const deadline = performance.now() + namingDeadlineMs
  for (;;) {
    const { orphans, unnamed } = await lookAround(dataDirectory)
    for (const { pid } of orphans) sendSignal(pid, 'SIGKILL')
    await requireGone(orphans)
    if (unnamed.length === 0 || performance.now() >= deadline) return
    await delay(namingPollMs)
  }
}

/** A child forked in its postmaster's last moment sets its title, or notices and ends, well within this. */
const namingDeadlineMs = 2_000
const namingPollMs = 20

interface Surroundings {
  orphans: ProcessIdentity[]
  /** With the postmaster's own command line, and not the one of the lock file: about to be named. */
  unnamed: ProcessIdentity[]
}

async function lookAround(dataDirectory: string): Promise<Surroundings> {
  const inside = await findProcessesIn(dataDirectory)
  const pids = new Set(inside.map((one) => one.pid))
  const parentless = inside.filter((one) => !pids.has(one.parentPid))
  const found: Surroundings = { orphans: [], unnamed: [] }
  for (const one of parentless) {
    const kind = await kindOf(one, dataDirectory)
    if (kind) found[kind].push(one)
  }
  return found
}

async function kindOf(
  one: ChildIdentity,
  dataDirectory: string,
): Promise<keyof Surroundings | undefined> {
  const [title] = await commandLine(one.pid)
  // Children set their title (src/backend/utils/misc/ps_status.c), the postmaster does not.
  if (title?.startsWith('postgres:')) return 'orphans'
  const isPostgres = title?.endsWith('/postgres') === true
  return isPostgres && readPidFile(dataDirectory)?.pid !== one.pid ? 'unnamed' : undefined
}

async function requireGone(orphans: readonly ProcessIdentity[]): Promise<void> {
  if (await waitUntilGone(orphans, killDeadlineMs)) return
  const left = orphans.map((one) => one.pid).join(', ')
  throw new Error(`processes of a dead postmaster do not end: ${left}`)
}
