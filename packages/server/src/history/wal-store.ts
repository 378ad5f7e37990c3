import type { Lsn } from '../lib/lsn.ts'

/**
 * Where finished WAL is kept, by line: a line is the history of one volume, from its making on. A file
 * is there whole or not at all, and once `put` has resolved it survives a power cut.
 *
 * Files are PostgreSQL's own: segments and `.history` files under their names. Nothing here knows
 * branches; what may be removed is for `retention.ts` to say.
 */
export interface WalStore {
  /** Keeps a file. One of that name that is there already is the same file, and stays. */
  put(line: string, file: WalFile & { path: string }): Promise<void>
  /**
   * The files of a line, in the order of their names; none where the line is not known. With `from`,
   * segments that end before the position may be left out.
   */
  list(line: string, from?: Lsn): Promise<WalFile[]>
  /** Writes a file, as `list` told it, to a new path. Rejects where it is not there. */
  fetch(line: string, file: WalFile, path: string): Promise<void>
  /** Removes files; those that are not there are no error. */
  remove(line: string, names: readonly string[]): Promise<void>
  /** Removes a line with all that is in it. */
  removeLine(line: string): Promise<void>
  /** Every line that has files. */
  lines(): Promise<string[]>
  /** Removes what a crash has left of files that were being put. Only while none is. */
  sweep(): Promise<void>
}

export interface WalFile {
  name: string
  bytes: number
  /** When PostgreSQL last wrote to it: everything in it is older. */
  writtenAt: Date
}

/** Lines are named as their volumes. */
export const linePattern = /^[a-z0-9-]{1,80}$/
