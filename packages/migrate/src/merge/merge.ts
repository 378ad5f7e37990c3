import type { Branch } from '@coppice/api'

import { AdvisedError } from '../advised-error.ts'
import type { Database } from '../database.ts'
import { type Migration, parseMigration } from '../migration.ts'
import type { Moment } from '../moment.ts'
import { getBranch, type Scope } from '../scope.ts'
import { openSession, readingSession } from '../session.ts'
import { stampOf } from '../stamp.ts'
import { renderScript } from './derived-sql.ts'
import type { MergePlan } from './plan-merge.ts'
import { readSchema } from './read-schema.ts'
import { checksumOfSchema } from './schema-checksum.ts'

/** Where the branch left its parent. Rejects any other pair of branches. */
export function originOf(branch: Branch, into: Branch): Moment {
  if (branch.parent_id !== into.id) {
    throw new AdvisedError(`Branch ${into.name} is not the parent of ${branch.name}.`, {
      advice:
        'What changed since two branches parted is known for a branch and its parent only.\n' +
        `The statements that lead from one to the other: coppice branches diff ${into.name} ${branch.name}`,
    })
  }
  if (branch.parent_lsn !== undefined) return { lsn: branch.parent_lsn }
  if (branch.parent_timestamp !== undefined) return { timestamp: branch.parent_timestamp }
  throw new AdvisedError(`It is not known when branch ${branch.name} was made from ${into.name}.`)
}

/** The parent of a branch, or the branch that is named. */
export async function branchToMergeInto(
  scope: Scope,
  branch: Branch,
  named: string | undefined,
): Promise<Branch> {
  if (named !== undefined) return getBranch(scope, named)
  if (branch.parent_id !== undefined) return getBranch(scope, branch.parent_id)
  throw new AdvisedError(`Branch ${branch.name} has no parent to merge into.`)
}

/** A plan as files: labels of enums have one of their own. Their names say whence and when. */
export function filesOf(
  branch: Branch,
  { first, statements }: Pick<MergePlan, 'first' | 'statements'>,
): Array<{ name: string; sql: string }> {
  const name = `merge-of-${branch.name}-${stampOf(new Date())}`
  return [
    { name: `${name}-enums`, part: first },
    { name, part: statements },
  ]
    .filter(({ part }) => part.length > 0)
    .map((file) => ({ name: file.name, sql: `${renderScript(file.part)}\n` }))
}

/** The same as migrations, for `rehearse` and `applyMigrations`. */
export async function migrationsOf(branch: Branch, plan: MergePlan): Promise<Migration[]> {
  return Promise.all(
    filesOf(branch, plan).map(async ({ name, sql }) => parseMigration({ name, path: name }, sql)),
  )
}

/** What was planned and rehearsed is for the parent as it was then: rejects where it is another now. */
export async function refuseIfChanged(
  database: Database,
  checksum: string,
  branchName: string,
): Promise<void> {
  const now = await openSession(database, readingSession, readSchema)
  if (checksumOfSchema(now) === checksum) return
  throw new AdvisedError(
    `The schema of ${branchName} has changed meanwhile; nothing was changed.`,
    {
      advice: 'Merge again.',
    },
  )
}
