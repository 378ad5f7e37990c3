import { type Diagnostic, diagnostics } from '@coppice/api/client'
import { type Command, Option } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import type { Answer, Row } from '../inspect/ask.ts'
import {
  findAwakeBranches,
  findTargets,
  type Target,
  type TargetChoice,
} from '../inspect/targets.ts'
import { renderTable } from '../table.ts'

interface InspectFlags extends ShortBranchFlags {
  databaseName?: string
  roleName?: string
  dbUrl?: string
  all?: boolean
}

/** What Neon's storage keeps and stock PostgreSQL has no word for. */
const storageDiagnostics = ['lfc-hit-rate', 'working-set']

/** `inspect db`: what a PostgreSQL says of itself. */
export function addInspect(program: Command, cli: Cli): void {
  const db = program
    .command('inspect')
    .alias('inspection')
    .description("Look into a branch's PostgreSQL.")
    .command('db')
    .description('Ask for sizes, sessions, locks, slow queries and the like.')
  for (const diagnostic of diagnostics) addDiagnostic(db, cli, diagnostic)
  for (const name of storageDiagnostics) addStorageDiagnostic(db, name)
  addExamples(db, [
    ['inspect db connections', 'Who is connected, by database and role'],
    ['inspect db slow-queries --database-name shop', 'One database'],
    ['inspect db locks --all', 'Every branch that is awake'],
    ['inspect db bloat --db-url "$DATABASE_URL"', 'Any PostgreSQL'],
  ])
}

function addDiagnostic(db: Command, cli: Cli, diagnostic: Diagnostic): void {
  const command = db.command(diagnostic.name).description(diagnostic.description)
  addFlags(command).action(async (flags: InspectFlags) => inspect(cli, diagnostic, flags))
}

function addStorageDiagnostic(db: Command, name: string): void {
  addFlags(db.command(name, { hidden: true }).description("Needs Neon's storage.")).action(() => {
    throw new CliError(`${name} reads the file cache of Neon's storage, which is not here.`, {
      advice: 'The cache that there is: coppice inspect db cache-hit',
    })
  })
}

function addFlags(command: Command): Command {
  return addShortBranchFlags(command)
    .option('--database-name <database>', 'Database; every one of the branch unless given.')
    .option('--role-name <role>', 'Role; the owner of the database unless given.')
    .addOption(
      new Option('--all', 'Every branch of the project that is awake; none is woken.').conflicts([
        'branch',
        'branchName',
        'dbUrl',
      ]),
    )
    .addOption(
      new Option(
        '--db-url <uri>',
        'Any PostgreSQL, by its connection string, instead of a branch.',
      ).conflicts(['branch', 'branchName', 'databaseName', 'roleName']),
    )
}

async function inspect(cli: Cli, diagnostic: Diagnostic, flags: InspectFlags): Promise<void> {
  const { databaseName, roleName, dbUrl } = flags
  const choice = { branch: chooseShortBranch(flags), databaseName, roleName, dbUrl }
  for (const [flag, value] of Object.entries({ databaseName, roleName, dbUrl })) {
    if (value === '')
      throw new CliError(`--${flag.replaceAll(/[A-Z]/g, '-$&').toLowerCase()} is empty.`)
  }
  const answers = flags.all
    ? await askAwake(cli, choice, diagnostic)
    : await askEach(await findTargets(cli, choice, diagnostic.scope), diagnostic)
  const rows = answers.flatMap((answer) => answer.rows)
  const columns = answers[0]?.columns ?? []
  await cli.output.answer(rows, () =>
    rows.length > 0
      ? renderTable<Row>(
          columns.map((title) => ({ title, value: (row) => text(row[title]) })),
          rows,
        )
      : diagnostic.none,
  )
}

async function askEach(targets: readonly Target[], diagnostic: Diagnostic): Promise<Answer[]> {
  const answers: Answer[] = []
  const { ask } = await import('../inspect/ask.ts')
  for (const { uri, database } of targets) {
    const answer = await ask(uri, diagnostic)
    answers.push(database === undefined ? answer : withColumn('database', database, answer))
  }
  return answers
}

/** One that cannot answer is told of, and the others are asked all the same. */
async function askAwake(cli: Cli, choice: TargetChoice, diagnostic: Diagnostic): Promise<Answer[]> {
  const answers: Answer[] = []
  const branches = await findAwakeBranches(cli, choice, diagnostic.scope)
  if (branches.length === 0) cli.output.note('No branch is awake.')
  for (const { branch, find } of branches) {
    try {
      const found = await askEach(await find(), diagnostic)
      answers.push(...found.map((answer) => withColumn('branch', branch, answer)))
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      cli.output.error(`${branch}: ${error.message}`)
      cli.result.exitCode = 1
    }
  }
  return answers
}

/** What was asked, beside what it answered; a column of that name, as of sessions, says the same or more. */
function withColumn(title: string, value: string, { columns, rows }: Answer): Answer {
  return {
    columns: [title, ...columns.filter((column) => column !== title)],
    rows: rows.map((row) => ({ [title]: value, ...row })),
  }
}

/** On one line: what stands on several is padded with what separated them. */
function text(value: string | null | undefined): string | undefined {
  return value?.replaceAll(/\s+/g, ' ')
}
