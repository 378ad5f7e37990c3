import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { OsUser } from '../lib/exec.ts'
import { giveTo } from '../lib/files.ts'
import { type Lsn, parseLsn, renderLsn } from '../lib/lsn.ts'
import { isHistoryFileName } from './wal-names.ts'

/**
 * Archive recovery of a cloned snapshot to a moment (manual, "Recovering Using a Continuous Archive
 * Backup" and "Recovery Target").
 *
 * The snapshot is what a crash would have left: PostgreSQL first replays the WAL that is in it, whatever
 * the target, and then from the staged files up to the target. So a snapshot is never later than it.
 */
export type RecoveryTarget =
  /** Every commit up to and including the time, in the words of the user: microseconds count. */
  | { kind: 'time'; time: string }
  /** Everything that ends at or before the position. */
  | { kind: 'lsn'; lsn: Lsn }
  /** All that there is. */
  | { kind: 'end' }

/** Said in the log where no record lies beyond the target: all that there is belongs to it then. */
export const targetNotReached = 'recovery ended before configured recovery target was reached'

export async function prepareRecovery(options: {
  dataDirectory: string
  /** Of the staged WAL. */
  walDirectory: string
  target: RecoveryTarget
  user: OsUser | undefined
}): Promise<void> {
  const { dataDirectory, walDirectory, target, user } = options
  const settings = {
    restore_command: restoreCommand(walDirectory),
    recovery_target_timeline: 'latest',
    recovery_target_action: 'promote',
    ...targetSettings(target),
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

function targetSettings(target: RecoveryTarget): Record<string, string> {
  switch (target.kind) {
    case 'time':
      return { recovery_target_time: numericZone(target.time), recovery_target_inclusive: 'on' }
    case 'lsn':
      return { recovery_target_lsn: renderLsn(target.lsn), recovery_target_inclusive: 'off' }
    case 'end':
      return {}
  }
}

/** Names of zones, `Z` among them, are not known yet when PostgreSQL reads this setting. */
const numericZone = (time: string): string => time.replace(/T/i, ' ').replace(/Z$/i, '+00')

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
