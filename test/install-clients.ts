import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import { repository, run } from './platform.ts'

const clients = join(repository, 'test', 'clients')

/**
 * Vitest calls this once before the end-to-end tests: Neon's own programs are not among the
 * workspaces' packages (their `neon` would be in the way of ours), so that `npm ci` leaves them out.
 */
export async function setup(): Promise<void> {
  if (await isInstalled()) return
  // Small packages, but the network is somebody else's.
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clients, timeout: 300_000 })
}

/** npm writes its hidden lock file last, so one that is newer than the lock is a whole installation. */
async function isInstalled(): Promise<boolean> {
  const installed = await modifiedAt(join(clients, 'node_modules', '.package-lock.json'))
  return installed >= (await modifiedAt(join(clients, 'package-lock.json')))
}

/** Milliseconds, 0 for a file that is not there. */
async function modifiedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}
