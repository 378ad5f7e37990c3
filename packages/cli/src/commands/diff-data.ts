import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { parseConnectionUri } from '../connection-uri.ts'
import { getConnectionUri } from '../connection.ts'
import { openBranch } from '../context.ts'
import { compareTable, type TableDifference } from '../data-diff/compare-table.ts'
import { openSession } from '../data-diff/connect.ts'
import { planTables } from '../data-diff/tables.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseCount } from '../parse.ts'
import { dataDiffAnswer, dataDiffView } from '../views/data-diff.ts'

/** What the flags of a data diff come to. */
export interface DataDiffFlags {
  /** All tables where no table is named. */
  data?: string | true
  limit?: number
}

/** What is compared. */
export interface DataDiffChoice {
  /** The default branch, or the pinned one, unless given. */
  branch: string | undefined
  /** Its parent, unless given. */
  base: string | undefined
  database: string | undefined
  role?: string | undefined
}

const defaultLimit = 100

interface DiffFlags extends DataDiffFlags, BranchFlags {
  base?: string
  database?: string
  db?: string
}

/** `diff --data`: in which rows a branch differs. */
export function addDataDiff(program: Command, cli: Cli): void {
  const command = program
    .command('diff')
    .description('Show in which rows a branch differs from its parent, or from another branch.')
    .argument('[base]', 'Branch to compare with (also --base); the parent unless given.')
    .option('--base <name|id>', 'The same as the argument.')
    .option('--database <name>', 'Database (also --db); the first one unless given.')
    .addOption(new Option('--db <name>', 'The same as --database.').hideHelp())
  addDataDiffFlags(addBranchFlags(command, { takesName: false }))
  addExamples(command, [
    ['diff --data', 'Rows of all tables, the pinned or default branch and its parent'],
    ['diff main --branch feature/new-column --data users', 'One table of a branch and of main'],
  ]).action(async (positional: string | undefined, flags: DiffFlags) => {
    const base = chooseBranch({ positional, flags: { branch: flags.base } })
    const branch = chooseBranch({ flags })
    await runDataDiff(cli, { branch, base, database: flags.database ?? flags.db }, flags)
  })
}

/** `--data [table]` and `--limit`, for the command `diff`. */
export function addDataDiffFlags(command: Command): Command {
  return command
    .option('--data [table]', 'Compare rows: of all tables, or of one, as schema.table or table.')
    .addOption(
      new Option(
        '--limit <rows>',
        `Rows to show of each table; ${defaultLimit} unless given.`,
      ).argParser(parseCount),
    )
}

/** Compares the rows of two branches, over a connection to each as its role. */
export async function runDataDiff(
  cli: Cli,
  choice: DataDiffChoice,
  flags: DataDiffFlags,
): Promise<void> {
  const { branch, base } = await chooseBranches(cli, choice)
  const wanted = typeof flags.data === 'string' ? flags.data : undefined
  const [left, right] = await Promise.all([
    openBranchSession(cli, choice, base),
    openBranchSession(cli, choice, branch),
  ])
  try {
    const plans = await planTables(left, right, wanted)
    if (wanted !== undefined) checkTable(wanted, plans.length)
    const differences: TableDifference[] = []
    for (const plan of plans) {
      cli.output.progress(`Comparing ${plan.label}`)
      differences.push(await compareTable(left, right, plan, flags.limit ?? defaultLimit))
    }
    const sides = { base, branch }
    await cli.output.answer(dataDiffAnswer(differences), () =>
      dataDiffView(differences, sides, cli.output),
    )
  } catch (error) {
    throw explain(error)
  } finally {
    await Promise.all([left.close(), right.close()])
  }
}

/** What the servers refuse, as a table that the role may not read. */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'PostgresError') return error
  return new CliError(`The rows cannot be compared: ${error.message}`, { cause: error })
}

async function chooseBranches(
  cli: Cli,
  choice: DataDiffChoice,
): Promise<{ branch: string; base: string }> {
  const { client, path } = await openBranch(cli, choice.branch)
  if (choice.base !== undefined) return { branch: path.branch_id, base: choice.base }
  const { branch } = await client.getProjectBranch({ path })
  if (branch.parent_id !== undefined) return { branch: branch.id, base: branch.parent_id }
  throw new CliError(`Branch ${branch.name} has no parent to be compared with.`, {
    advice: 'Name the branch to compare with: coppice diff --data --base <branch>.',
  })
}

async function openBranchSession(cli: Cli, choice: DataDiffChoice, branch: string) {
  const uri = await getConnectionUri(cli, {
    branch,
    roleName: choice.role,
    databaseName: choice.database,
    endpointType: undefined,
    pooled: false,
    prisma: false,
    ssl: undefined,
  })
  return openSession(parseConnectionUri(uri))
}

function checkTable(wanted: string, found: number): void {
  if (found === 1) return
  throw new CliError(
    found === 0
      ? `Neither branch has a table ${wanted}.`
      : `Several schemas have a table ${wanted}; name one as schema.table.`,
  )
}
