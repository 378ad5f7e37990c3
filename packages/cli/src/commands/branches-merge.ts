import { renderScript } from '@coppice/migrate/merge/derived-sql'
import type { RenameFlags } from '@coppice/migrate/merge/renames'
import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { getConnectionUri } from '../connection.ts'
import { getBranchOrDefault, openScope } from '../context.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import type { MergeAnswer } from '../merge/merge-branch.ts'
import { observerOf } from '../observer.ts'
import { findBranch, parseBranchPoint } from '../point-in-time.ts'
import { mergeNotes, remainingLines } from '../views/branch-merge.ts'

interface RenameOptions {
  rename: string[]
  drop: string[]
  database?: string
  db?: string
}

interface MergeFlags extends BranchFlags, RenameOptions {
  into?: string
  schemaOnly?: boolean
  allowRemaining?: boolean
  dryRun?: boolean
  yes?: boolean
}

/** `branches merge`: what a branch changed in the schema, into its parent. */
export function addBranchMerge(branches: Command, cli: Cli): void {
  const command = branches
    .command('merge')
    .description('Bring what a branch changed in the schema into its parent, rehearsed first.')
    .argument('[branch]', 'Branch, by name or id; the pinned or default one unless given.')
  addRenameFlags(addBranchFlags(command, { takesName: true }))
    .option('--into <branch>', 'Branch that is changed; the parent unless given.')
    .option('--schema-only', 'Merge the schema, and no rows; rows are not merged.')
    .option('--allow-remaining', 'Merge although some of it has to be made by hand.')
    .option('--dry-run', 'Derive, rehearse and show; change nothing.')
    .option('-y, --yes', 'Do not ask.')
  addExamples(command, [
    ['branches merge feature/x --into main --schema-only', 'Look, be asked, merge'],
    ['branches merge feature/x --schema-only --dry-run', 'See what it would be'],
    ['branches merge feature/x --schema-only --rename users.name=full_name', 'A column got a name'],
  ]).action(async (positional: string | undefined, flags: MergeFlags) => {
    if (!flags.schemaOnly) {
      throw new CliError('Only schemas are merged.', { advice: 'Say so: --schema-only' })
    }
    await merge(cli, chooseBranch({ positional, flags }), flags)
  })
}

async function merge(cli: Cli, named: string | undefined, flags: MergeFlags): Promise<void> {
  const { mergeBranch } = await import('../merge/merge-branch.ts')
  const { branchToMergeInto } = await import('@coppice/migrate/merge/merge')
  const scope = await openScope(cli)
  const branch = await getBranchOrDefault(scope, named)
  const into = await branchToMergeInto(scope, branch, flags.into)
  const answer = await mergeBranch(cli, scope, {
    branch,
    into,
    ...(await reach(cli, branch.id, flags)),
    renames: await renamesOf(flags),
    yes: flags.yes ?? false,
    dryRun: flags.dryRun ?? false,
    allowRemaining: flags.allowRemaining ?? false,
    show: (shown) => void (cli.output.format === 'table' && showPlan(cli, shown)),
  })
  if (cli.output.format !== 'table') await cli.output.answer(answer, () => '')
  if (answer.refusal) {
    throw new CliError(answer.refusal.message, { advice: answer.refusal.advice })
  }
  if (answer.applied) {
    cli.output.note(`Merged ${answer.branch} into ${answer.into}.`)
    cli.output.note(`To go back: coppice migrate undo -b ${answer.into}`)
  }
}

function showPlan(cli: Cli, answer: MergeAnswer): void {
  if (answer.statements.length > 0) cli.output.script(renderScript(answer.statements))
  else if (answer.conflicts.length === 0) cli.output.note('There is nothing to merge.')
  for (const line of mergeNotes(answer, cli.output)) cli.output.note(line)
}

/** `branches diff`: the statements that lead from one schema to another. */
export function addBranchDiff(branches: Command, cli: Cli): void {
  const command = branches
    .command('diff')
    .description('Print the SQL that makes the schema of one branch that of another.')
    .argument('[base]', 'Branch that it is for, or branch@time; the parent unless given.')
    .argument('[compare]', 'Branch that it leads to; the pinned or default one unless given.')
  addExamples(addRenameFlags(command), [
    ['branches diff main feature/x', 'What would make main what the branch is'],
    ['branches diff main feature/x --rename users.name=full_name', 'With a column renamed'],
  ]).action(async (base: string | undefined, compared: string | undefined, flags: RenameOptions) =>
    diff(cli, base ?? '^parent', compared, flags),
  )
}

async function diff(
  cli: Cli,
  base: string,
  compared: string | undefined,
  flags: RenameOptions,
): Promise<void> {
  const { planMerge } = await import('@coppice/migrate/merge/plan-merge')
  const { askRenames } = await import('../merge/ask-renames.ts')
  const scope = await openScope(cli)
  const point = compared === undefined ? undefined : parseBranchPoint(compared)
  const branch = await getBranchOrDefault(scope, point?.branch)
  const from = parseBranchPoint(base)
  const into = await findBranch(scope, from, branch)
  const at = point?.moment.timestamp ?? point?.moment.lsn
  const there = at === undefined ? branch.id : `${branch.id}@${at}`
  const sides = {
    ...(await reach(cli, there, flags)),
    into,
    moment: from.moment,
    since: undefined,
  }
  const answers = askRenames(cli, await renamesOf(flags))
  const plan = await planMerge(observerOf(cli), scope, sides, answers)
  const statements = [...plan.first, ...plan.statements]
  const answer = { base: into.name, compare: branch.name, statements, remaining: plan.remaining }
  if (cli.output.format === 'table' && statements.length === 0 && plan.remaining.length === 0) {
    cli.output.note('The schemas are the same.')
    return
  }
  if (cli.output.format === 'table') {
    if (statements.length > 0) cli.output.script(renderScript(statements))
    for (const line of remainingLines(plan.remaining, cli.output)) cli.output.note(line)
    return
  }
  await cli.output.answer(answer, () => '')
}

async function reach(cli: Cli, branch: string, flags: RenameOptions) {
  const { reachDatabase } = await import('../migrate/target.ts')
  const uri = await getConnectionUri(cli, {
    branch,
    roleName: undefined,
    databaseName: flags.database ?? flags.db,
    endpointType: undefined,
    pooled: false,
    prisma: false,
    ssl: undefined,
  })
  return reachDatabase(cli, uri)
}

async function renamesOf({ rename, drop }: RenameOptions): Promise<RenameFlags> {
  const { parseRename } = await import('@coppice/migrate/merge/renames')
  return { renames: rename.map((text) => parseRename(text)), drops: drop }
}

function addRenameFlags(command: Command): Command {
  const each = (flag: string, description: string) =>
    new Option(flag, description)
      .argParser((value: string, before: string[]) => [...before, value])
      .default([])
  return command
    .option('--database <name>', 'Database (also --db); the first one of the branch unless given.')
    .addOption(new Option('--db <name>', 'The same as --database.').hideHelp())
    .addOption(
      each('--rename <old=new>', 'What is new is the old one: table.column=name, table=name.'),
    )
    .addOption(each('--drop <old>', 'It was dropped, not renamed: table.column or table.'))
}
