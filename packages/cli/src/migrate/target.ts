import type { Command } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { parseConnectionUri } from '../connection-uri.ts'
import { getConnectionUri } from '../connection.ts'
import { type BranchScope, openBranch } from '../context.ts'

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

/** The branch and how to reach its database, without the pooler: sessions hold locks here. */
export async function openTarget(
  cli: Cli,
  flags: TargetFlags,
): Promise<{ scope: BranchScope; uri: string }> {
  const branch = chooseShortBranch(flags)
  const scope = await openBranch(cli, branch)
  return { scope, uri: await uriOf(cli, flags, scope.path.branch_id) }
}

/** The connection string of the database of another one, on another branch. */
export async function sameDatabaseOn(cli: Cli, uri: string, branch: string): Promise<string> {
  const { role, database } = parseConnectionUri(uri)
  return uriOf(cli, { roleName: role, databaseName: database }, branch)
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
