import { type Command, Option } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from './branch-choice.ts'
import type { Cli } from './cli.ts'
import { getConnectionUri } from './connection.ts'
import { CliError } from './errors.ts'

/** The flags that name one database. */
export interface DatabaseFlags extends ShortBranchFlags {
  databaseName?: string
  roleName?: string
  dbUrl?: string
}

/** Adds them; `databaseUri` reads them. */
export function addDatabaseFlags(command: Command): Command {
  return addShortBranchFlags(command)
    .option('--database-name <database>', "Database; the branch's first unless given.")
    .option('--role-name <role>', 'Role; the owner of the database unless given.')
    .addOption(
      new Option(
        '--db-url <uri>',
        'Any PostgreSQL, by its connection string, instead of a branch.',
      ).conflicts(['branch', 'branchName', 'databaseName', 'roleName']),
    )
}

/** The connection string of the database, not pooled: sessions have locks and settings. */
export async function databaseUri(cli: Cli, flags: DatabaseFlags): Promise<string> {
  const { databaseName, roleName, dbUrl } = flags
  for (const [flag, value] of [
    ['--database-name', databaseName],
    ['--role-name', roleName],
    ['--db-url', dbUrl],
  ]) {
    if (value === '') throw new CliError(`${flag} is empty.`)
  }
  if (dbUrl !== undefined) return dbUrl
  return getConnectionUri(cli, {
    branch: chooseShortBranch(flags),
    roleName,
    databaseName,
    endpointType: undefined,
    pooled: false,
    prisma: false,
    ssl: undefined,
  })
}
