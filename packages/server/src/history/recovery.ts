import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { OsUser } from '../lib/exec.ts'
import { giveTo } from '../lib/files.ts'
import { type Lsn, parseLsn } from '../lib/lsn.ts'
import { isHistoryFileName } from './wal-names.ts'

/**
 * Archive recovery of a cloned snapshot (manual, "Recovering Using a Continuous Archive Backup"), to the end
 * of the WAL that was staged for it. Where that ends is what makes the moment: PostgreSQL's own targets
 * take a record that is later to be recognised by, and of a branch that sleeps there is none.
 *
 * The snapshot is what a crash would have left: PostgreSQL first replays the WAL that is in it. So a
 * snapshot is never later than the moment.
 */
export async function prepareRecovery(options: {
  dataDirectory: string
  /** Of the staged WAL. */
  walDirectory: string
  user: OsUser | undefined
}): Promise<void> {
  const { dataDirectory, walDirectory, user } = options
  const settings = {
    restore_command: restoreCommand(walDirectory),
    recovery_target_timeline: 'latest',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quote(value)}\n`)
  // Read after postgresql.conf at every start, and without effect once `recovery.signal` is gone.
  await writeOwned(join(dataDirectory, 'postgresql.auto.conf'), lines.join(''), user)
  await writeOwned(join(dataDirectory, 'recovery.signal'), '', user)
}

/** Takes the settings away again: the directory of the staged WAL is gone by now. */
export async function endRecovery(dataDirectory: string, user: OsUser | undefined): Promise<void> {
  await writeOwned(join(dataDirectory, 'postgresql.auto.conf'), '', user)
}

/** Where the recovery stopped: the point at which the newest timeline left the one before. */
export async function readRecoveryEnd(dataDirectory: string): Promise<Lsn | undefined> {
  const directory = join(dataDirectory, 'pg_wal')
  const newest = (await readdir(directory)).filter(isHistoryFileName).toSorted().at(-1)
  if (newest === undefined) return undefined
  const text = await readFile(join(directory, newest), 'utf8')
  const position = /^\d+\t([0-9A-F]+\/[0-9A-F]+)\t/.exec(text.trimEnd().split('\n').at(-1) ?? '')
  return position?.[1] === undefined ? undefined : parseLsn(position[1])
}

/** `%f` is the file wanted and `%p` where to put it; any other `%` is doubled. */
function restoreCommand(walDirectory: string): string {
  const clone = process.platform === 'linux' ? 'cp --reflink=auto' : 'cp'
  const directory = walDirectory.replaceAll(/["$\\`]/g, String.raw`\$&`).replaceAll('%', '%%')
  return `${clone} "${directory}/%f" "%p"`
}

const quote = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`

async function writeOwned(path: string, content: string, user: OsUser | undefined): Promise<void> {
  await writeFile(path, content, { mode: 0o600 })
  await giveTo(path, user)
}
