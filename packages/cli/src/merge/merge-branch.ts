import type { Branch, DerivedStatement, MergeConflict, Rehearsal, Remaining } from '@coppice/api'
import { applyMigrations } from '@coppice/migrate/apply'
import { applyDefaults, restorePointDays } from '@coppice/migrate/apply-defaults'
import type { Database } from '@coppice/migrate/database'
import { migrationsOf, originOf, refuseIfChanged } from '@coppice/migrate/merge/merge'
import { type MergePlan, planMerge } from '@coppice/migrate/merge/plan-merge'
import type { RenameFlags } from '@coppice/migrate/merge/renames'
import { rehearse } from '@coppice/migrate/rehearse'

import { confirmed } from '../choose.ts'
import type { Cli } from '../cli.ts'
import type { BranchScope, Scope } from '../context.ts'
import { keepReport } from '../migrate/keep-report.ts'
import { observerOf } from '../observer.ts'
import { parseMoment } from '../parse.ts'
import { askRenames } from './ask-renames.ts'

export interface MergeOptions {
  branch: Branch
  /** The database on the branch. */
  database: Database
  /** The same one on another branch. */
  databaseOn: (branch: string) => Promise<Database>
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
  conflicts: MergeConflict[]
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

/** Merges the schema of a branch into its parent: derived, rehearsed, shown, confirmed, applied. */
export async function mergeBranch(
  cli: Cli,
  scope: Scope,
  options: MergeOptions,
): Promise<MergeAnswer> {
  const { branch, database, databaseOn, into } = options
  const target: BranchScope = {
    ...scope,
    path: { project_id: scope.projectId, branch_id: into.id },
  }
  const observer = observerOf(cli)
  const parent = await databaseOn(into.id)
  const since = originOf(branch, into)
  const sides = { database, into, moment: {}, since, databaseOn }
  const plan = await planMerge(observer, scope, sides, askRenames(cli, options.renames))
  const answer = answerOf(branch, into, plan)
  const migrations = await migrationsOf(branch, plan)
  if (migrations.length > 0) {
    const rehearsed = { scope: target, database: parent, databaseOn }
    answer.rehearsal = await rehearse(observer, rehearsed, migrations, {
      allowOutOfOrder: true,
      keep: false,
      load: undefined,
      loadConnections: 1,
      statementTimeoutMs: 0,
    })
  }
  if (answer.rehearsal) {
    await keepReport(cli, { scope: target, database: parent }, answer.rehearsal)
  }
  options.show(answer)
  answer.refusal = await refusalOf(cli, answer, options)
  if (migrations.length === 0 || options.dryRun || answer.refusal) return answer
  await refuseIfChanged(parent, plan.checksum, into.name)
  const { restore_point } = await applyMigrations(observer, target, parent, migrations, {
    ...applyDefaults,
    allowOutOfOrder: true,
    keepUntil: parseMoment(`${restorePointDays}d`),
  })
  return { ...answer, applied: true, restore_point }
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
