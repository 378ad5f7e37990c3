import { AdvisedError } from './advised-error.ts'
import type { Entry } from './ledger.ts'
import { checksumOf, type Migration } from './migration.ts'
import { compareNames, numberOf } from './order.ts'
import type { ToolHistory } from './tool-ledgers.ts'

export type State = 'applied' | 'pending' | 'edited' | 'unfinished' | 'missing'

/** A migration with what the ledger says of it. */
export interface Standing {
  name: string
  state: State
  /** Absent where its file is gone. */
  migration: Migration | undefined
  entry: Entry | undefined
  /** The tool that has applied it, where it was not this one. */
  tool: string | undefined
}

/** Compares files with what has run. What has run and has no file any more stands at the end. */
export function compareWithLedger(
  migrations: readonly Migration[],
  entries: readonly Entry[],
  tools: ToolHistory,
): Standing[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const standings = migrations.map((migration): Standing => {
    const entry = byName.get(migration.name)
    const tool = entry ? undefined : tools.appliedBy(migration)
    return { name: migration.name, state: stateOf(migration, entry, tool), migration, entry, tool }
  })
  const names = new Set(migrations.map(({ name }) => name))
  for (const entry of entries) {
    if (names.has(entry.name)) continue
    standings.push({
      name: entry.name,
      state: 'missing',
      migration: undefined,
      entry,
      tool: undefined,
    })
  }
  return standings
}

function stateOf(migration: Migration, entry: Entry | undefined, tool: string | undefined): State {
  if (!entry) return tool === undefined ? 'pending' : 'applied'
  if (entry.applied_at !== null) return entry.checksum === migration.checksum ? 'applied' : 'edited'
  // What failed may be mended; what ran before it may not.
  const done = migration.statements.slice(0, Number(entry.statements_done))
  return checksumOf(done) === entry.done_checksum ? 'unfinished' : 'edited'
}

/** A migration that is to run, and the statement to begin with. */
export interface Task {
  migration: Migration
  /** How many of its statements have run before. */
  done: number
  entry: Entry | undefined
}

/** What is to run. Rejects a history that has been edited, and what should have run earlier. */
export function planTasks(standings: readonly Standing[], allowOutOfOrder: boolean): Task[] {
  const edited = standings.filter(({ state }) => state === 'edited')
  if (edited.length > 0) throw editedHistory(edited)
  if (!allowOutOfOrder) refuseOutOfOrder(standings)
  return standings.flatMap(({ migration, state, entry }) =>
    migration && (state === 'pending' || state === 'unfinished')
      ? [{ migration, done: Number(entry?.statements_done ?? 0), entry }]
      : [],
  )
}

function editedHistory(edited: readonly Standing[]): AdvisedError {
  const names = edited.map(({ name }) => name).join(', ')
  return new AdvisedError(
    `${names} ${edited.length === 1 ? 'has' : 'have'} been edited since they ran.`,
    {
      advice:
        'What has run stays as it is: bring the file back as it was, and write the change into a new one.\n' +
        'To run it anew, undo the apply first: coppice migrate undo',
    },
  )
}

function refuseOutOfOrder(standings: readonly Standing[]): void {
  for (const [at, { name, state }] of standings.entries()) {
    if (state !== 'pending') continue
    const later = standings.find(
      (other, otherAt) =>
        other.entry !== undefined &&
        (other.state === 'missing' ? isNumberedBefore(name, other.name) : otherAt > at),
    )
    if (!later) continue
    throw new AdvisedError(`${name} comes before ${later.name}, which has run already.`, {
      advice: 'Give it a later number, or run it now with --allow-out-of-order.',
    })
  }
}

function isNumberedBefore(a: string, b: string): boolean {
  return numberOf(a) !== undefined && numberOf(b) !== undefined && compareNames(a, b) < 0
}
