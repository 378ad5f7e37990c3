import { closeSync, existsSync, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { freshCloneSignal } from './fresh-clone.ts'
import { sendSignal } from './processes.ts'

/**
 * Asks a starting postmaster to promote its cluster once it has replayed all local WAL (`pg_promote` in
 * src/backend/access/transam/xlogfuncs.c does the same: the file, then SIGUSR1). The startup process
 * looks for the request only after it has found no more WAL. A request made before that process exists
 * is lost, so it is repeated until the cluster is ready.
 */
export function requestPromotion(dataDirectory: string, pid: number): void {
  try {
    // `wx` follows no symbolic link: the directory belongs to a less trusted user than root.
    closeSync(openSync(join(dataDirectory, promoteFile), 'wx', 0o600))
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  sendSignal(pid, 'SIGUSR1')
}

/** Removes the request that came too late to be taken. */
export async function clearPromotionRequest(dataDirectory: string): Promise<void> {
  await rm(join(dataDirectory, promoteFile), { force: true })
}

export function isFreshClone(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, freshCloneSignal))
}

const promoteFile = 'promote'
