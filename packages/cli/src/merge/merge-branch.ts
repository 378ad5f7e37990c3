import type { Branch } from '@coppice/api'

import { confirmed } from '../choose.ts'
import type { Cli } from '../cli.ts'
import { type BranchScope, getBranch, type Scope } from '../context.ts'
import { CliError } from '../errors.ts'
import { applyMigrations } from '../migrate/apply.ts'
import { type Migration, parseMigration } from '../migrate/files.ts'
import type { Rehearsal } from '../migrate/rehearsal.ts'
import { rehearse } from '../migrate/rehearse.ts'
import { openSession, readingSession } from '../migrate/session.ts'
import { sameDatabaseOn } from '../migrate/target.ts'
import { stampOf } from '../migrate/undo.ts'
import { parseMoment } from '../parse.ts'
import type { Moment } from '../point-in-time.ts'
import type { Remaining } from './derive.ts'
import { type DerivedStatement, renderScript } from './derived-sql.ts'
import { type MergePlan, planMerge } from './plan-merge.ts'
import { readSchema } from './read-schema.ts'
import type { RenameFlags } from './renames.ts'
import { type Conflict, differencesOf } from './three-way.ts'

export interface MergeOptions {
  branch: Branch
  branchUri: string
  into: Branch
  renames: RenameFlags
  yes: boolean
  dryRun: boolean
  /** Merge although some of it is not derived. */
  allowRemaining: boolean
  /** Shows the plan, before anybody is asked. */
  show: (answer: MergeAnswer) => void
}

/** What a merge is, and what has come of it. */
export interface MergeAnswer {
  branch: string
  into: string
  conflicts: Conflict[]
  alike: string[]
  statements: DerivedStatement[]
  remaining: Remaining[]
  /** Null where there was nothing to rehearse. */
  rehearsal: Rehearsal | null
  applied: boolean
  restore_point: string | null
  /** Why nothing was applied; null where that was in order. */
  refusal: { message: string; advice: string } | null
}

/** As `migrate apply` has them unless told otherwise. */
const applyOptions = { max: 10, lockTimeoutMs: 3000, statementTimeoutMs: 0, allowOutOfOrder: true }
const restorePointLives = '7d'

/** Merges the schema of a branch into its parent: derived, rehearsed, shown, confirmed, applied. */
export async function mergeBranch(
  cli: Cli,
  scope: Scope,
  options: MergeOptions,
): Promise<MergeAnswer> {
  const { branch, branchUri, into } = options
  const target: BranchScope = {
    ...scope,
    path: { project_id: scope.projectId, branch_id: into.id },
  }
  const uriOn = async (id: string) => sameDatabaseOn(cli, branchUri, id)
  const uri = await uriOn(into.id)
  const sides = { branchUri, into, moment: {}, since: originOf(branch, into), uriOn }
  const plan = await planMerge(cli, scope, sides, options.renames)
  const answer = answerOf(branch, into, plan)
  const migrations = await migrationsOf(branch, plan)
  if (migrations.length > 0) {
    const rehearsed = { scope: target, uri, uriOn }
    answer.rehearsal = await rehearse(cli, rehearsed, migrations, {
      allowOutOfOrder: true,
      keep: false,
      load: undefined,
      loadConnections: 1,
      statementTimeoutMs: 0,
    })
  }
  options.show(answer)
  answer.refusal = await refusalOf(cli, answer, options)
  if (migrations.length === 0 || options.dryRun || answer.refusal) return answer
  await refuseIfChanged(uri, plan, into)
  const { restore_point } = await applyMigrations(cli, target, uri, migrations, {
    ...applyOptions,
    keepUntil: parseMoment(restorePointLives),
  })
  return { ...answer, applied: true, restore_point }
}

/** Where the branch left its parent. */
function originOf(branch: Branch, into: Branch): Moment {
  if (branch.parent_id !== into.id) {
    throw new CliError(`Branch ${into.name} is not the parent of ${branch.name}.`, {
      advice:
        'What changed since two branches parted is known for a branch and its parent only.\n' +
        `The statements that lead from one to the other: coppice branches diff ${into.name} ${branch.name}`,
    })
  }
  if (branch.parent_lsn !== undefined) return { lsn: branch.parent_lsn }
  if (branch.parent_timestamp !== undefined) return { timestamp: branch.parent_timestamp }
  throw new CliError(`It is not known when branch ${branch.name} was made from ${into.name}.`)
}

function answerOf(branch: Branch, into: Branch, plan: MergePlan): MergeAnswer {
  return {
    branch: branch.name,
    into: into.name,
    conflicts: plan.conflicts,
    alike: plan.alike,
    statements: [...plan.first, ...plan.statements],
    remaining: plan.remaining,
    rehearsal: null,
    applied: false,
    restore_point: null,
    refusal: null,
  }
}

/** In the ledger by the name of the branch and the time. */
async function migrationsOf(
  branch: Branch,
  { first, statements }: MergePlan,
): Promise<Migration[]> {
  const name = `merge-of-${branch.name}-${stampOf(new Date())}`
  const parts = [
    { name: `${name}-enums`, part: first },
    { name, part: statements },
  ].filter(({ part }) => part.length > 0)
  return Promise.all(
    parts.map(async (one) =>
      parseMigration({ name: one.name, path: one.name }, `${renderScript(one.part)}\n`),
    ),
  )
}

/** Why it must not be applied, or that nobody wants it. */
async function refusalOf(
  cli: Cli,
  answer: MergeAnswer,
  options: MergeOptions,
): Promise<MergeAnswer['refusal']> {
  const { conflicts, remaining, rehearsal, statements } = answer
  if (conflicts.length > 0) {
    return {
      message: `Branch ${answer.branch} and ${answer.into} have changed the same things differently.`,
      advice: 'Give them one definition, on the branch or on its parent, and merge again.',
    }
  }
  if (rehearsal?.error) {
    return { message: `The rehearsal failed: ${rehearsal.error}`, advice: 'Nothing was changed.' }
  }
  if (remaining.length > 0 && !options.allowRemaining) {
    return {
      message: 'Some of what the branch changed is not derived.',
      advice:
        'Make it on both sides by hand, or merge the rest with --allow-remaining and do it afterwards.',
    }
  }
  if (options.dryRun || options.yes || statements.length === 0) return null
  const dropping = statements.filter(({ drops }) => drops).length
  const question =
    dropping === 0
      ? `Apply this to ${answer.into}?`
      : `Apply this to ${answer.into}? ${dropping} of the statements drop something.`
  if (await confirmed(cli, question)) return null
  return { message: 'Nothing was changed.', advice: 'To merge without being asked: --yes' }
}

/** What was planned and rehearsed is for the parent as it was then. */
async function refuseIfChanged(uri: string, { found }: MergePlan, into: Branch): Promise<void> {
  const now = await openSession(uri, readingSession, readSchema)
  if (differencesOf(found, now).length === 0) return
  throw new CliError(`The schema of ${into.name} has changed meanwhile; nothing was changed.`, {
    advice: 'Merge again.',
  })
}

/** The parent of a branch, or the branch that is named. */
export async function branchToMergeInto(
  scope: Scope,
  branch: Branch,
  named: string | undefined,
): Promise<Branch> {
  if (named !== undefined) return getBranch(scope, named)
  if (branch.parent_id !== undefined) return getBranch(scope, branch.parent_id)
  throw new CliError(`Branch ${branch.name} has no parent to merge into.`)
}
