import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { WalFile, WalStore } from '../history/wal-store.ts'

/** Files such as PostgreSQL leaves in `pg_wal`, in a directory of a test's own. */
export interface WalFiles {
  root: string
  make(name: string, options?: { bytes?: number; at?: Date }): Promise<MadeFile>
  /** What a store makes of a file. */
  fetched(store: WalStore, line: string, file: WalFile): Promise<Buffer>
  remove(): Promise<void>
}

export type MadeFile = WalFile & { path: string; content: Buffer }

export async function createWalFiles(): Promise<WalFiles> {
  const root = await mkdtemp(join(tmpdir(), 'coppice-wal-'))
  await mkdir(join(root, 'files'))
  let made = 0
  const newPath = (): string => join(root, 'files', String(made++))
  return {
    root,
    make: async (name, { bytes = 200_000, at = new Date('2026-01-31T12:00:00.123Z') } = {}) => {
      const path = newPath()
      // Records, then the zeros of what was not written to.
      const content = Buffer.concat([randomBytes(bytes / 4), Buffer.alloc(bytes - bytes / 4)])
      await writeFile(path, content)
      await utimes(path, at, at)
      return { name, bytes, writtenAt: at, path, content }
    },
    fetched: async (store, line, file) => {
      const path = newPath()
      await store.fetch(line, file, path)
      return readFile(path)
    },
    remove: async () => rm(root, { recursive: true, force: true }),
  }
}

/** The name of a segment of 16 MB on the first timeline. */
export const segmentName = (number: number): string =>
  `0000000100000000${number.toString(16).toUpperCase().padStart(8, '0')}`
