import type { Branch } from '@coppice/api'
import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags, requireBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { addComputeFlags, computeFields, type ComputeFlags } from '../compute-options.ts'
import { eachBranch, openScope } from '../context.ts'
import { CliError, deleted } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseMoment } from '../parse.ts'
import { branchDetails, branchTable, recoveryHint } from '../views/branch.ts'
import { endpointDetails } from '../views/endpoint.ts'
import { addBranchCreate } from './branches-create.ts'
import { addBranchHistory } from './branches-history.ts'
import { addBranchDiff, addBranchMerge } from './branches-merge.ts'
import { addBranchPrune } from './branches-prune.ts'
import { addBranchRestore } from './branches-restore.ts'
import { addSchemaDiff } from './schema-diff.ts'

/** `branches`: everything that is done to a branch. */
export function addBranches(program: Command, cli: Cli): void {
  const branches = program
    .command('branches')
    .alias('branch')
    .description('Manage branches: copies of a database that cost nothing until they differ.')
  addList(branches, cli)
  addBranchCreate(branches, cli)
  addGet(branches, cli)
  addBranchHistory(branches, cli)
  addRename(branches, cli)
  addSetDefault(branches, cli)
  addSetExpiration(branches, cli)
  addArchive(branches, cli)
  addAddCompute(branches, cli)
  addBranchRestore(branches, cli)
  addSchemaDiff(branches, cli)
  addBranchDiff(branches, cli)
  addBranchMerge(branches, cli)
  addDelete(branches, cli)
  addBranchPrune(branches, cli)
  addRecover(branches, cli)
}

function addList(branches: Command, cli: Cli): void {
  branches
    .command('list')
    .description('List the branches of a project.')
    .option('--search <text>', 'Only branches with this in their name or id.')
    .option('--include-deleted', 'Also branches that can still be recovered.')
    .action(async (options: { search?: string; includeDeleted?: boolean }) => {
      const scope = await openScope(cli)
      const filter = { search: options.search, include_deleted: options.includeDeleted }
      const list: Branch[] = []
      for await (const branch of eachBranch(scope, filter)) list.push(branch)
      await cli.output.answer(list, () =>
        list.length > 0
          ? branchTable(list, scope.pinnedBranch)
          : 'No branches found. Create one with `coppice branches create --name <name>`.',
      )
    })
}

function addGet(branches: Command, cli: Cli): void {
  onBranch(branches.command('get'), 'Show a branch.').action(
    async (positional: string | undefined, flags: BranchFlags) => {
      const branchId = requireBranch({ positional, flags }, 'branches get main')
      const { client, projectId } = await openScope(cli)
      const path = { project_id: projectId, branch_id: branchId }
      const { branch } = await client.getProjectBranch({ path })
      await cli.output.answer(branch, () => branchDetails(branch))
    },
  )
}

function addRename(branches: Command, cli: Cli): void {
  const rename = branches
    .command('rename')
    .description('Give a branch another name.')
    .argument('[branch]', 'Branch, by name or id.')
    .argument('[new-name]', 'The name that it gets.')
  addBranchFlags(rename, { takesName: true }).action(
    async (first: string | undefined, second: string | undefined, flags: BranchFlags) => {
      // With the branch in a flag, the one positional argument is the new name.
      const [positional, newName] = second === undefined ? [undefined, first] : [first, second]
      const branchId = requireBranch({ positional, flags }, 'branches rename old-name new-name')
      if (newName === undefined) throw new CliError('The new name is missing.')
      const { client, projectId } = await openScope(cli)
      const { branch } = await client.updateProjectBranch({
        path: { project_id: projectId, branch_id: branchId },
        body: { branch: { name: newName } },
      })
      await cli.output.answer(branch, () => branchDetails(branch))
    },
  )
}

function addSetDefault(branches: Command, cli: Cli): void {
  onBranch(
    branches.command('set-default'),
    'Make a branch the one that is used when none is named.',
  ).action(async (positional: string | undefined, flags: BranchFlags) => {
    const branchId = requireBranch({ positional, flags }, 'branches set-default main')
    const { client, projectId } = await openScope(cli)
    const path = { project_id: projectId, branch_id: branchId }
    const { branch } = await client.setDefaultProjectBranch({ path })
    await cli.output.answer(branch, () => branchDetails(branch))
  })
}

function addSetExpiration(branches: Command, cli: Cli): void {
  const command = onBranch(
    branches.command('set-expiration'),
    'Let a branch delete itself at a time; without --expires-at, let it stay.',
  ).addOption(
    new Option('--expires-at <time>', 'When: a time, or a span such as 7d.').argParser(parseMoment),
  )
  addExamples(command, [
    ['branches set-expiration preview-42 --expires-at 7d', 'Delete it in a week'],
    ['branches set-expiration preview-42', 'Keep it after all'],
  ]).action(async (positional: string | undefined, flags: BranchFlags & { expiresAt?: string }) => {
    const branchId = requireBranch({ positional, flags }, 'branches set-expiration preview-42')
    const { client, projectId } = await openScope(cli)
    const { branch } = await client.updateProjectBranch({
      path: { project_id: projectId, branch_id: branchId },
      body: { branch: { expires_at: flags.expiresAt ?? null } },
    })
    await cli.output.answer(branch, () => branchDetails(branch))
  })
}

function addArchive(branches: Command, cli: Cli): void {
  for (const [name, archived, description] of [
    ['archive', true, 'Put a branch away: suspended, and compressed once its past has gone.'],
    ['unarchive', false, 'Bring an archived branch back; so does a connection.'],
  ] as const) {
    onBranch(branches.command(name), description).action(
      async (positional: string | undefined, flags: BranchFlags) => {
        const branchId = requireBranch({ positional, flags }, `branches ${name} preview-42`)
        const { client, projectId } = await openScope(cli)
        const { branch } = await client.updateProjectBranch({
          path: { project_id: projectId, branch_id: branchId },
          body: { branch: { archived } },
        })
        await cli.output.answer(branch, () => branchDetails(branch))
      },
    )
  }
}

interface AddComputeFlags extends BranchFlags, ComputeFlags {
  type: 'read_write' | 'read_only'
}

function addAddCompute(branches: Command, cli: Cli): void {
  const command = branches
    .command('add-compute')
    .description('Give a branch one more compute.')
    .argument('[branch]', 'Branch, by name or id.')
    .addOption(
      new Option(
        '--type <type>',
        'Kind of compute: read_only, as it is unless given, or read_write.',
      )
        .choices(['read_write', 'read_only'])
        .default('read_only'),
    )
    .option('--name <name>', 'Name of the compute.')
  addComputeFlags(addBranchFlags(command, { takesName: false }))
  command.action(async (positional: string | undefined, flags: AddComputeFlags) => {
    // Here `--name` is the compute's.
    const { branch: named, branchName } = flags
    const name = requireBranch(
      { positional, flags: { branch: named, branchName } },
      'branches add-compute main',
    )
    const { client, projectId } = await openScope(cli)
    const path = { project_id: projectId, branch_id: name }
    const { branch } = await client.getProjectBranch({ path })
    const { endpoint } = await client.createProjectEndpoint({
      path: { project_id: projectId },
      body: {
        endpoint: {
          branch_id: branch.id,
          type: flags.type,
          ...(flags.name !== undefined && { name: flags.name }),
          ...computeFields(flags),
        },
      },
    })
    await cli.output.answer(endpoint, () => endpointDetails(endpoint))
  })
}

function addDelete(branches: Command, cli: Cli): void {
  const command = onBranch(
    branches.command('delete'),
    'Delete a branch. It can be brought back for some days.',
  ).option('--hard-delete', 'Free its space at once; it cannot be brought back.')
  addExamples(command, [
    ['branches delete feature/new-column', 'Delete a branch by name'],
    ['branches delete --branch-name feature/new-column', 'The same with a flag'],
  ]).action(
    async (positional: string | undefined, flags: BranchFlags & { hardDelete?: boolean }) => {
      const branchId = requireBranch({ positional, flags }, 'branches delete feature/new-column')
      const { client, projectId } = await openScope(cli)
      const answer = await client.deleteProjectBranch({
        path: { project_id: projectId, branch_id: branchId },
        query: flags.hardDelete ? { hard_delete: true } : {},
      })
      const { branch } = deleted(answer, `branch ${branchId}`)
      await cli.output.answer(branch, () => recoveryHint(branch))
    },
  )
}

function addRecover(branches: Command, cli: Cli): void {
  onBranch(branches.command('recover'), 'Bring a deleted branch back.').action(
    async (positional: string | undefined, flags: BranchFlags) => {
      const example = 'branches recover br-quiet-sea-12345678'
      const branchId = requireBranch({ positional, flags }, example)
      const { client, projectId } = await openScope(cli)
      const path = { project_id: projectId, branch_id: branchId }
      const { branch } = await client.recoverProjectBranch({ path })
      await cli.output.answer(branch, () => branchDetails(branch))
    },
  )
}

function onBranch(command: Command, description: string): Command {
  command.description(description).argument('[branch]', 'Branch, by name or id.')
  return addBranchFlags(command, { takesName: true })
}
