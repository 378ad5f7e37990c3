import type { Branch, DerivedStatement, MergeConflict, Remaining } from '@coppice/api'

import { AdvisedError } from '../advised-error.ts'
import type { Database } from '../database.ts'
import { isNow, type Moment } from '../moment.ts'
import type { Observer } from '../observer.ts'
import type { Scope } from '../scope.ts'
import { migratingSession, openSession, readingSession, type Session } from '../session.ts'
import { onThrowawayBranch, type ThrowawayCopy } from '../throwaway-branch.ts'
import { type BranchSide, derive } from './derive.ts'
import { describeStatement } from './derived-sql.ts'
import { inspect } from './migra.ts'
import { readSchema } from './read-schema.ts'
import { type AnswerRenames, type Rename, renameStatement } from './renames.ts'
import { checksumOfSchema } from './schema-checksum.ts'
import type { Schema } from './schema-object.ts'
import { compareThreeWay } from './three-way.ts'

/** What a change of the schema would be. */
export interface MergePlan {
  conflicts: MergeConflict[]
  /** Objects that both sides have changed in the same way. */
  alike: string[]
  /** Run first, each in its own transaction. */
  first: DerivedStatement[]
  /** Run in one transaction. */
  statements: DerivedStatement[]
  /** What is not derived, and left to a person. */
  remaining: Remaining[]
  /** Of the schema of the branch that is merged into, as it was found. */
  checksum: string
}

/** The copies that a plan is made on, and the branch that it leads to. */
export interface MergeSides {
  /** The database on the branch. */
  database: Database
  /** The branch that is to be changed, and the moment that is meant. */
  into: Branch
  moment: Moment
  /** When the branch left it; undefined: compare two ways, with nothing between them. */
  since: Moment | undefined
  /** The same database on another branch. */
  databaseOn: (branch: string) => Promise<Database>
}

/** Makes the plan on throwaway branches; nothing of the user's is changed. */
export async function planMerge(
  observer: Observer,
  scope: Scope,
  sides: MergeSides,
  answer: AnswerRenames,
): Promise<MergePlan> {
  const { into, since, moment } = sides
  const branch = await openSession(sides.database, readingSession, readSide)
  const onCopy = async <T>(
    copy: Omit<ThrowawayCopy, 'source'>,
    work: (session: Session) => Promise<T>,
  ) =>
    onThrowawayBranch(observer, scope, { source: into, ...copy }, async ({ id }) =>
      openSession(await sides.databaseOn(id), unlimited, work),
    )
  const ask = async (base: Schema, parent: Schema) => answer(base, branch.schema, parent)
  let renames: Rename[] = []
  let base: Schema | undefined
  if (since) {
    observer.progress(`Reading ${into.name} as it was when the branch was made.`)
    const parent = await openSession(await sides.databaseOn(into.id), readingSession, readSchema)
    base = await onCopy({ purpose: 'base', moment: since }, async (session) => {
      renames = await ask(await readSchema(session), parent)
      await rename(session, renames)
      return readSchema(session)
    }).catch((error: unknown) => {
      throw outsideHistory(error) ? baseIsGone(into, error) : error
    })
  }
  observer.progress(`Trying the changes on a copy of ${into.name}.`)
  return onCopy({ purpose: 'merge', ...(!isNow(moment) && { moment }) }, async (session) => {
    const found = await readSchema(session)
    if (!base) renames = await ask(found, found)
    const renamed = await rename(session, renames)
    return { ...(await planOn(session, base, branch, renamed)), checksum: checksumOfSchema(found) }
  })
}

function outsideHistory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'outside_history'
}

function baseIsGone({ name }: Branch, cause: unknown): AdvisedError {
  return new AdvisedError(
    `What ${name} was when the branch was made has left the history window, and both sides are checked against it.`,
    {
      advice: `Without that, all differences are the branch's: coppice branches diff ${name} <branch>, and read what it says.`,
      cause,
    },
  )
}

async function planOn(
  session: Session,
  base: Schema | undefined,
  branch: BranchSide,
  renamed: readonly DerivedStatement[],
): Promise<Omit<MergePlan, 'checksum'>> {
  const parent = await readSchema(session)
  const { changes, conflicts, alike } = compareThreeWay(base ?? parent, branch.schema, parent)
  if (conflicts.length > 0) return { conflicts, alike, first: [], statements: [], remaining: [] }
  const { first, statements, remaining } = await derive(session, branch, changes)
  return {
    conflicts,
    alike,
    first: first.map((sql) => describeStatement(sql)),
    statements: [...renamed, ...statements.map((sql) => describeStatement(sql))],
    remaining,
  }
}

/** Reads a branch as one side of a merge. */
async function readSide(session: Session): Promise<BranchSide> {
  return { schema: await readSchema(session), inspected: await inspect(session) }
}

/** Columns before the tables that they are in, whose names of before they are told by. */
async function rename(session: Session, renames: readonly Rename[]): Promise<DerivedStatement[]> {
  const columnsFirst = renames.toSorted(
    (a, b) => Number(a.from.kind === 'table') - Number(b.from.kind === 'table'),
  )
  const schema = await readSchema(session)
  const statements = columnsFirst.flatMap((one) => renameStatement(one, schema) ?? [])
  for (const statement of statements) await session.run(statement)
  return statements.map((sql) => describeStatement(sql))
}

const unlimited = migratingSession({ lockTimeoutMs: 0, statementTimeoutMs: 0 })
