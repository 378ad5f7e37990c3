import type { Role } from '@coppice/api'
import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openBranch } from '../context.ts'
import { deleted } from '../errors.ts'
import { formatTime } from '../format.ts'
import { requireName } from '../naming.ts'
import { renderDetails, renderTable } from '../table.ts'

type NamedFlags = { name?: string; branch?: string; branchName?: string }

/** `roles`: the roles of a branch. */
export function addRoles(program: Command, cli: Cli): void {
  const roles = program
    .command('roles')
    .alias('role')
    .description('Manage the roles of a branch and their passwords.')
  addList(roles, cli)
  addCreate(roles, cli)
  addDelete(roles, cli)
  addResetPassword(roles, cli)
}

function addList(roles: Command, cli: Cli): void {
  const command = roles.command('list').description('List the roles of a branch.')
  addBranchFlags(command, { takesName: false }).action(async (flags: BranchFlags) => {
    const { client, path } = await openBranch(cli, chooseBranch({ flags }))
    const { roles: list } = await client.listProjectBranchRoles({ path })
    await cli.output.answer(list, () =>
      list.length > 0
        ? roleTable(list)
        : 'No roles found. Create one with `coppice roles create --name <name>`.',
    )
  })
}

function addCreate(roles: Command, cli: Cli): void {
  const command = roles
    .command('create')
    .description('Create a role with a new password.')
    .argument('[name]', 'Name of the new role.')
    .option('--name <name>', 'Name of the new role.')
    .option('--no-login', 'A role that cannot connect: a group of others.')
  addBranchFlags(command, { takesName: false }).action(
    async (positional: string | undefined, flags: NamedFlags & { login: boolean }) => {
      const name = requireName(positional, flags.name, 'roles create --name app')
      const { client, path } = await openBranch(cli, branchOf(flags))
      const { role } = await client.createProjectBranchRole({
        path,
        body: { role: { name, ...(!flags.login && { no_login: true }) } },
      })
      await cli.output.answer(role, () => roleDetails(role))
    },
  )
}

function addDelete(roles: Command, cli: Cli): void {
  named(
    roles.command('delete'),
    'Drop a role; what it owns goes to the owner of the database.',
  ).action(async (positional: string | undefined, flags: NamedFlags) => {
    const name = requireName(positional, flags.name, 'roles delete app')
    const { client, path } = await openBranch(cli, branchOf(flags))
    const answer = await client.deleteProjectBranchRole({ path: { ...path, role_name: name } })
    const { role } = deleted(answer, `role ${name}`)
    await cli.output.answer(role, () => `Role ${role.name} is dropped.`)
  })
}

function addResetPassword(roles: Command, cli: Cli): void {
  named(
    roles.command('reset-password'),
    'Give a role a new password; the old one stops working at once.',
  ).action(async (positional: string | undefined, flags: NamedFlags) => {
    const name = requireName(positional, flags.name, 'roles reset-password app')
    const { client, path } = await openBranch(cli, branchOf(flags))
    const { role } = await client.resetProjectBranchRolePassword({
      path: { ...path, role_name: name },
    })
    await cli.output.answer(role, () => roleDetails(role))
  })
}

function named(command: Command, description: string): Command {
  command
    .description(description)
    .argument('[role]', 'Role, by name.')
    .addOption(new Option('--name <name>', 'The same as the argument.').hideHelp())
  return addBranchFlags(command, { takesName: false })
}

/** Here `--name` is the role's. */
function branchOf({ branch, branchName }: NamedFlags): string | undefined {
  return chooseBranch({ flags: { branch, branchName } })
}

async function roleTable(roles: readonly Role[]): Promise<string> {
  return renderTable<Role>(
    [
      { title: 'name', value: (role) => role.name },
      { title: 'login', value: (role) => (role.authentication_method === 'no_login' ? 'no' : '') },
      { title: 'protected', value: (role) => (role.protected ? 'yes' : '') },
      { title: 'created', value: (role) => formatTime(role.created_at) },
    ],
    roles,
  )
}

async function roleDetails(role: Role): Promise<string> {
  return renderDetails([
    ['Role', role.name],
    ['Password', role.password],
    ['Branch', role.branch_id],
    ['Created', formatTime(role.created_at)],
  ])
}
