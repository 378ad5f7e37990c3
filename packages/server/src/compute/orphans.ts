import {
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
  const inside = await findProcessesIn(dataDirectory)
  const pids = new Set(inside.map((one) => one.pid))
  const orphans: ProcessIdentity[] = []
  for (const one of inside) {
    if (pids.has(one.parentPid)) continue
    const [title] = await commandLine(one.pid)
    // Children set their title (src/backend/utils/misc/ps_status.c), the postmaster does not.
    if (title?.startsWith('postgres:')) orphans.push(one)
  }
  for (const { pid } of orphans) sendSignal(pid, 'SIGKILL')
  if (await waitUntilGone(orphans, killDeadlineMs)) return
  const left = orphans.map((one) => one.pid).join(', ')
  throw new Error(`processes of a dead postmaster do not end: ${left}`)
}
