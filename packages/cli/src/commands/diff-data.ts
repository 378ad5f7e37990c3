import type { Sql } from '@coppice/migrate/database'
import { type Command, Option } from 'commander'

import type { Cli } from '../cli.ts'
import { getConnectionUri } from '../connection.ts'
import { compareTable, type TableDifference } from '../data-diff/compare-table.ts'
import { type Session, sessionSetup, type TextRow } from '../data-diff/session.ts'
import { planTables } from '../data-diff/tables.ts'
import { CliError } from '../errors.ts'
import { parseCount } from '../parse.ts'
import { openSql } from '../sql-connection.ts'
import { dataDiffAnswer, dataDiffView } from '../views/data-diff.ts'

/** What the flags of a data diff come to. */
export interface DataDiffFlags {
  /** All tables where no table is named. */
  data?: string | true
  limit?: number
}

/** What is compared: branches, each also as it was (`main@2030-01-31T12:00:00Z`). */
export interface DataDiffChoice {
  base: string
  branch: string
  /** The first one, unless given. */
  database: string | undefined
}

const defaultLimit = 100

/** `--data [table]` and `--limit`, for the command `diff`. */
export function addDataDiffFlags(command: Command): Command {
  return command
    .option('--data [table]', 'Compare rows instead: of all tables, or of table or schema.table.')
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
  const uriOf = async (branch: string) =>
    getConnectionUri(cli, {
      branch,
      roleName: undefined,
      databaseName: choice.database,
      endpointType: undefined,
      pooled: false,
      prisma: false,
      ssl: undefined,
    })
  const base = await uriOf(choice.base)
  const branch = await uriOf(choice.branch)
  const differences = await openSql(base, async (left) =>
    openSql(branch, async (right) => compareAll(cli, await begin(left), await begin(right), flags)),
  )
  await cli.output.answer(dataDiffAnswer(differences), () =>
    dataDiffView(differences, choice, cli.output),
  )
}

async function begin(sql: Sql): Promise<Session> {
  await sql.unsafe(sessionSetup)
  return {
    query: async (text) => {
      const rows = await sql.unsafe(text).raw()
      return rows.map((row) => row.map((value) => value?.toString() ?? null)) as TextRow[]
    },
  }
}

async function compareAll(
  cli: Cli,
  base: Session,
  branch: Session,
  flags: DataDiffFlags,
): Promise<TableDifference[]> {
  const wanted = typeof flags.data === 'string' ? flags.data : undefined
  const plans = await planTables(base, branch, wanted)
  if (wanted !== undefined) checkTable(wanted, plans.length)
  const differences: TableDifference[] = []
  for (const plan of plans) {
    cli.output.progress(`Comparing ${plan.label}`)
    differences.push(await compareTable(base, branch, plan, flags.limit ?? defaultLimit))
  }
  return differences
}

function checkTable(wanted: string, found: number): void {
  if (found === 1) return
  throw new CliError(
    found === 0
      ? `Neither branch has a table ${wanted}.`
      : `Several schemas have a table ${wanted}; name one as schema.table.`,
  )
}
