/** PostgreSQL's lock modes on tables, the weakest first (manual, 13.3.1), and whom each holds up. */
const modes = [
  ['AccessShareLock', 'DROP and rewrites'],
  ['RowShareLock', 'schema changes'],
  ['RowExclusiveLock', 'schema changes, index builds'],
  ['ShareUpdateExclusiveLock', 'schema changes, VACUUM'],
  ['ShareLock', 'writes'],
  ['ShareRowExclusiveLock', 'writes'],
  ['ExclusiveLock', 'writes, SELECT FOR UPDATE'],
  ['AccessExclusiveLock', 'reads and writes'],
] as const

/** How strong a mode is, from 0. */
export function strengthOf(mode: string): number {
  return modes.findIndex(([name]) => name === mode)
}

/** What waits for a lock of the mode. */
export function heldUpBy(mode: string): string {
  return modes[strengthOf(mode)]?.[1] ?? 'unknown'
}

/** Whether an application that reads and writes can notice a lock of the mode. */
export function holdsUpWork(mode: string): boolean {
  return strengthOf(mode) >= strengthOf('ShareLock')
}
