import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { spoolParts } from './wal-spool.ts'
import type { WalFile, WalStore } from './wal-store.ts'

/** A file that is no longer in the pool. */
export interface RemoteOnlyFile {
  line: string
  file: WalFile
}

/** What a spool in this directory has uploaded and no longer has itself. */
export async function listRemoteOnly(root: string): Promise<RemoteOnlyFile[]> {
  const { local, uploaded } = spoolParts(root)
  const found: RemoteOnlyFile[] = []
  for (const line of await uploaded.lines()) {
    const here = new Set((await local.list(line)).map(({ name }) => name))
    for (const file of await uploaded.list(line)) {
      if (!here.has(file.name)) found.push({ line, file })
    }
  }
  return found
}

/** Brings those back into the pool; what is in the remote store stays there. May be broken off. */
export async function bringBack(
  root: string,
  remote: WalStore,
  missing: readonly RemoteOnlyFile[],
): Promise<void> {
  const { local } = spoolParts(root)
  const path = join(root, '.returning')
  for (const { line, file } of missing) {
    await rm(path, { force: true })
    await remote.fetch(line, file, path)
    await local.put(line, { ...file, path })
  }
  await rm(path, { force: true })
}

/** Forgets that there was a remote store, once all is in the pool. */
export async function forgetRemote(root: string): Promise<void> {
  const { uploaded, removed } = spoolParts(root)
  await uploaded.clear()
  await removed.clear()
}
