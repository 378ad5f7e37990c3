import type { Branch } from '@coppice/api'
import { isNow } from '@coppice/migrate/moment'
import { type Command, Option } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { getBranchOrDefault, openScope, type Scope } from '../context.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { findBranch, getParent, parseBranchPoint } from '../point-in-time.ts'
import { compareSchemas, type Side } from '../schema-comparison.ts'
import { renderComparisons } from '../views/schema-comparison.ts'
import { addDataDiffFlags, type DataDiffFlags, runDataDiff } from './diff-data.ts'

interface Flags extends ShortBranchFlags, DataDiffFlags {
  database?: string
  db?: string
}

/** `branches schema-diff`, which compares any two, and `diff`, which tells what a branch changed. */
export function addSchemaDiff(branches: Command, cli: Cli): void {
  const command = branches
    .command('schema-diff')
    .alias('sd')
    .description('Compare the schemas of two branches, or of a branch and its past.')
    .argument('[base]', 'Branch to compare with; the pinned or default branch unless given.')
    .argument('[compare]', 'A branch, ^self or ^parent; with @time or @LSN, as it was then.')
  addDatabaseFlags(command)
  addExamples(command, [
    ['branches schema-diff main feature/new-column', 'What the branch adds to main'],
    ['branches schema-diff dev ^parent', 'What dev has that its parent has not'],
    ['branches schema-diff main ^self@2030-01-31T12:00:00Z', 'How main differs from then'],
  ]).action(async (first: string | undefined, second: string | undefined, flags: Flags) => {
    // One argument alone is what the current branch is compared with.
    const [base, compare] = second === undefined ? [undefined, first] : [first, second]
    await schemaDiff(cli, base, compare ?? '^parent', flags)
  })
}

/** `diff`: what the current branch changed since its parent, or another branch. */
export function addDiff(program: Command, cli: Cli): void {
  const command = program
    .command('diff')
    .description('Show what a branch changed since its parent: in the schema, or in rows (--data).')
    .argument('[compare]', 'Branch to compare with, or branch@time; the parent unless given.')
  addDataDiffFlags(addDatabaseFlags(addShortBranchFlags(command)))
  addExamples(command, [
    ['diff', 'The pinned branch and its parent'],
    ['diff main --branch feature/new-column', 'A branch and main'],
    ['diff --data users', 'Rows of a table that the branch has added, removed or changed'],
  ]).action(async (other: string | undefined, flags: Flags) => {
    const scope = await openScope(cli)
    const after = await getBranchOrDefault(scope, chooseShortBranch(flags))
    const point = other === undefined ? undefined : parseBranchPoint(other)
    const before = point ? await findBranch(scope, point, after) : await getParent(scope, after)
    const moment = point?.moment ?? {}
    if (flags.data === undefined) {
      await compare(cli, scope, { branch: before, moment }, now(after), flags)
      return
    }
    const at = moment.timestamp ?? moment.lsn
    const base = at === undefined ? before.name : `${before.name}@${at}`
    const database = flags.database ?? flags.db
    await runDataDiff(cli, { base, branch: after.name, database }, flags)
  })
}

/** `^parent` reads the other way round, as in Neon's CLI: what the branch adds to its parent. */
async function schemaDiff(
  cli: Cli,
  base: string | undefined,
  compared: string,
  flags: Flags,
): Promise<void> {
  const scope = await openScope(cli)
  const self = await getBranchOrDefault(scope, base)
  const point = parseBranchPoint(compared)
  const other = { branch: await findBranch(scope, point, self), moment: point.moment }
  if (point.branch === '^parent') await compare(cli, scope, other, now(self), flags)
  else await compare(cli, scope, now(self), other, flags)
}

async function compare(
  cli: Cli,
  scope: Scope,
  before: Side,
  after: Side,
  flags: Flags,
): Promise<void> {
  if (before.branch.id === after.branch.id && isNow(before.moment) && isNow(after.moment)) {
    throw new CliError(`Both sides are branch ${after.branch.name} as it is now.`, {
      advice: 'Name another branch, or a moment: ^self@2030-01-31T12:00:00Z.',
    })
  }
  const comparisons = await compareSchemas(scope, before, after, flags.database ?? flags.db)
  const changed = comparisons.filter((one) => one.has_changes)
  if (cli.output.format === 'table' && changed.length === 0) {
    cli.output.note('The schemas are the same.')
    return
  }
  await cli.output.answer(comparisons, () => renderComparisons(changed, cli.output))
}

function now(branch: Branch): Side {
  return { branch, moment: {} }
}

function addDatabaseFlags(command: Command): Command {
  return command
    .option('--database <name>', 'Only this database (also --db); all of them unless given.')
    .addOption(new Option('--db <name>', 'The same as --database.').hideHelp())
}
