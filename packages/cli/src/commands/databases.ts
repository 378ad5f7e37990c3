import type { Database } from '@coppice/api'
import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openBranch, type BranchScope } from '../context.ts'
import { CliError, deleted } from '../errors.ts'
import { formatBytes, formatTime } from '../format.ts'
import { requireName } from '../naming.ts'
import { renderDetails, renderTable } from '../table.ts'

type NamedFlags = { name?: string; branch?: string; branchName?: string }

/** `databases`: the databases of a branch. */
export function addDatabases(program: Command, cli: Cli): void {
  const databases = program
    .command('databases')
    .aliases(['database', 'db'])
    .description('Manage the databases of a branch.')
  addList(databases, cli)
  addCreate(databases, cli)
  addDelete(databases, cli)
}

function addList(databases: Command, cli: Cli): void {
  const command = databases.command('list').description('List the databases of a branch.')
  addBranchFlags(command, { takesName: false }).action(async (flags: BranchFlags) => {
    const { client, path } = await openBranch(cli, chooseBranch({ flags }))
    const { databases: list } = await client.listProjectBranchDatabases({ path })
    await cli.output.answer(list, () =>
      list.length > 0
        ? databaseTable(list)
        : 'No databases found. Create one with `coppice databases create --name <name>`.',
    )
  })
}

function addCreate(databases: Command, cli: Cli): void {
  const command = databases
    .command('create')
    .description('Create a database.')
    .argument('[name]', 'Name of the new database.')
    .option('--name <name>', 'Name of the new database.')
    .option('--owner-name <role>', 'Role that owns it; the only one unless given.')
  addBranchFlags(command, { takesName: false }).action(
    async (positional: string | undefined, flags: NamedFlags & { ownerName?: string }) => {
      const name = requireName(positional, flags.name, 'databases create --name shop')
      const { branch, branchName } = flags
      const scope = await openBranch(cli, chooseBranch({ flags: { branch, branchName } }))
      const owner = flags.ownerName ?? (await onlyRole(scope))
      const { database } = await scope.client.createProjectBranchDatabase({
        path: scope.path,
        body: { database: { name, owner_name: owner } },
      })
      await cli.output.answer(database, () => databaseDetails(database))
    },
  )
}

function addDelete(databases: Command, cli: Cli): void {
  const command = databases
    .command('delete')
    .description('Drop a database with all that is in it.')
    .argument('[database]', 'Database, by name.')
    .addOption(new Option('--name <name>', 'The same as the argument.').hideHelp())
  addBranchFlags(command, { takesName: false }).action(
    async (positional: string | undefined, flags: NamedFlags) => {
      const name = requireName(positional, flags.name, 'databases delete shop')
      const { branch, branchName } = flags
      const { client, path } = await openBranch(
        cli,
        chooseBranch({ flags: { branch, branchName } }),
      )
      const answer = await client.deleteProjectBranchDatabase({
        path: { ...path, database_name: name },
      })
      const { database } = deleted(answer, `database ${name}`)
      await cli.output.answer(database, () => `Database ${database.name} is dropped.`)
    },
  )
}

/** The owner that is meant where none is named. */
async function onlyRole({ client, path }: BranchScope): Promise<string> {
  const { roles } = await client.listProjectBranchRoles({ path })
  const [first, second] = roles
  if (!first) throw new CliError('The branch has no role that could own the database.')
  if (!second) return first.name
  const names = roles.map((role) => role.name).join(', ')
  throw new CliError(
    `Multiple roles found for the branch, please provide one with the --owner-name option: ${names}`,
  )
}

async function databaseTable(databases: readonly Database[]): Promise<string> {
  return renderTable<Database>(
    [
      { title: 'name', value: (database) => database.name },
      { title: 'owner', value: (database) => database.owner_name },
      { title: 'size', value: sizeOf },
      { title: 'created', value: (database) => formatTime(database.created_at) },
    ],
    databases,
  )
}

async function databaseDetails(database: Database): Promise<string> {
  return renderDetails([
    ['Database', database.name],
    ['Owner', database.owner_name],
    ['Branch', database.branch_id],
    ['Size', sizeOf(database)],
    ['Created', formatTime(database.created_at)],
  ])
}

function sizeOf({ size_bytes: sizeBytes }: Database): string | undefined {
  return sizeBytes === undefined ? undefined : formatBytes(sizeBytes)
}
