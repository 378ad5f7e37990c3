import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { type Lsn, parseLsn } from '../lib/lsn.ts'
import { isHistoryFileName } from './wal-names.ts'

/** Where a promoted cluster's replay ended: the point at which its timeline left the one before. */
export async function readRecoveryEnd(dataDirectory: string): Promise<Lsn | undefined> {
  const directory = join(dataDirectory, 'pg_wal')
  const newest = (await readdir(directory)).filter(isHistoryFileName).toSorted().at(-1)
  if (newest === undefined) return undefined
  const text = await readFile(join(directory, newest), 'utf8')
  const position = /^\d+\t([0-9A-F]+\/[0-9A-F]+)\t/.exec(text.trimEnd().split('\n').at(-1) ?? '')
  return position?.[1] === undefined ? undefined : parseLsn(position[1])
}
