import type { Database } from '@coppice/migrate/database'
import type { Command } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { parseConnectionUri } from '../connection-uri.ts'
import { getConnectionUri } from '../connection.ts'
import { type BranchScope, openBranch } from '../context.ts'
import { databaseAt } from '../sql-connection.ts'

/** The flags by which every command about migrations finds its database. */
export interface TargetFlags extends ShortBranchFlags {
  databaseName?: string
  roleName?: string
}

const filesArgument = [
  '[files...]',
  'Files or directories of SQL; migrations, drizzle or prisma/migrations unless given.',
] as const

/** Adds the flags that name the database. */
export function addTargetFlags(command: Command): Command {
  return addShortBranchFlags(command)
    .option('--database-name <database>', 'Database; the first one of the branch unless given.')
    .option('--role-name <role>', 'Role; the owner of the database unless given.')
}

/** Adds the argument that names the migrations. */
export function addFiles(command: Command): Command {
  return command.argument(...filesArgument)
}

/** A database of a branch, without the pooler: sessions hold locks here. */
export interface Target {
  scope: BranchScope
  database: Database
  /** The same database on another branch, by id. */
  databaseOn: (branch: string) => Promise<Database>
}

export async function openTarget(cli: Cli, flags: TargetFlags): Promise<Target> {
  const scope = await openBranch(cli, chooseShortBranch(flags))
  return { scope, ...reachDatabase(cli, await uriOf(cli, flags, scope.path.branch_id)) }
}

/** The database of a connection string, and the same one on other branches. */
export function reachDatabase(cli: Cli, uri: string): Omit<Target, 'scope'> {
  const { role, database } = parseConnectionUri(uri)
  const same = { roleName: role, databaseName: database }
  return {
    database: databaseAt(uri),
    databaseOn: async (branch) => databaseAt(await uriOf(cli, same, branch)),
  }
}

async function uriOf(cli: Cli, flags: TargetFlags, branch: string): Promise<string> {
  return getConnectionUri(cli, {
    branch,
    roleName: flags.roleName,
    databaseName: flags.databaseName,
    endpointType: 'read_write',
    pooled: false,
    prisma: false,
    ssl: undefined,
  })
}
