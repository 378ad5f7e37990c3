import type { Remaining } from '@coppice/api'

import { AdvisedError } from '../advised-error.ts'
import { inTransaction, type Session } from '../session.ts'
import { type Inspected, inspect, migraStatements, withBranchChanges } from './migra.ts'
import { enumAdditions, ownStatements } from './own-statements.ts'
import { readSchema } from './read-schema.ts'
import { describeObject, type Schema } from './schema-object.ts'
import { type Change, differencesOf, withChanges } from './three-way.ts'

/** The branch, as it has been read. */
export interface BranchSide {
  schema: Schema
  inspected: Inspected
}

/** How one schema becomes another. */
export interface Derivation {
  /** Each in its own transaction, before all others: labels of enums, which none may use that adds them. */
  first: string[]
  /** In one transaction. */
  statements: string[]
  /** Objects that are not as they should be after all of them. */
  remaining: Remaining[]
}

/** One round makes objects, the next what belongs to them; more would be a circle. */
const roundsMax = 4

/**
 * Derives the statements for the changes by running them: `trial` is a copy of the database that may be changed
 * and thrown away. What order they can run in is PostgreSQL's answer, and so is what they have not achieved.
 */
export async function derive(
  trial: Session,
  branch: BranchSide,
  changes: readonly Change[],
): Promise<Derivation> {
  const wanted = withChanges(await readSchema(trial), changes)
  const additions = changes.map((change) => enumAdditions(change))
  const first = additions.flatMap((statements) => statements ?? [])
  for (const statement of first) await trial.run(statement)
  const rest = changes.filter((_, at) => additions[at] === undefined)
  const from = await inspect(trial)
  const target = withBranchChanges(from, branch.inspected, branch.schema, rest)
  const domains = rest.filter(({ before, after }) => !before && after?.kind === 'domain')
  const planned = [
    ...domains.flatMap((change) => ownStatements(change)),
    ...(await migraStatements(from, target)),
  ]
  return inTransaction(trial, async () => {
    const statements = await runInAnyOrder(trial, planned)
    let reached = await readSchema(trial)
    for (let round = 0; round < roundsMax; round++) {
      // What did not help once does not help again.
      const untried = statementsTowards(wanted, reached).filter((one) => !statements.includes(one))
      if (untried.length === 0) break
      const own = await runInAnyOrder(trial, untried)
      statements.push(...own)
      reached = await readSchema(trial)
    }
    return { first, statements, remaining: remainingOf(differencesOf(reached, wanted)) }
  })
}

/** Without those for what belongs to an object that is not there, or is to go. */
function statementsTowards(wanted: Schema, reached: Schema): string[] {
  return differencesOf(reached, wanted).flatMap((change) => {
    const parent = (change.after ?? change.before)?.parent
    const isAlone = !parent || (wanted.has(parent) && reached.has(parent))
    return isAlone ? ownStatements(change) : []
  })
}

/** What belongs to an object that remains itself is not told besides. */
function remainingOf(open: readonly Change[]): Remaining[] {
  const ids = new Set(open.map(({ id }) => id))
  return open.flatMap(({ before, after }) => {
    const object = after ?? before
    if (!object || (object.parent !== null && ids.has(object.parent))) return []
    return [
      {
        object: describeObject(object),
        is: before?.definition ?? null,
        should_be: after?.definition ?? null,
      },
    ]
  })
}

/** Runs what can run, then what could not before, until all have; answers the order in which they did. */
async function runInAnyOrder(trial: Session, planned: readonly string[]): Promise<string[]> {
  const done: string[] = []
  let waiting = [...planned]
  while (waiting.length > 0) {
    const failed: Failure[] = []
    for (const statement of waiting) {
      const error = await attempt(trial, statement)
      if (error) failed.push({ statement, error })
      else done.push(statement)
    }
    if (failed.length === waiting.length) throw refused(failed)
    waiting = failed.map(({ statement }) => statement)
  }
  return done
}

interface Failure {
  statement: string
  error: Error
}

async function attempt(trial: Session, statement: string): Promise<Error | undefined> {
  await trial.run('savepoint attempt')
  try {
    await trial.run(statement)
    await trial.run('release savepoint attempt')
    return undefined
  } catch (error) {
    if (!(error instanceof Error)) throw error
    await trial.run('rollback to savepoint attempt')
    return error
  }
}

function refused(failed: readonly Failure[]): AdvisedError {
  const lines = failed.map(({ statement, error }) => `${error.message}:\n  ${statement}`)
  return new AdvisedError(
    'Some of the changes cannot be made as they are derived; nothing was changed.',
    {
      advice:
        `${lines.join('\n')}\n` +
        'Make these by hand, in a migration (coppice migrate apply), and merge the rest afterwards.',
    },
  )
}
