import type { SharedCompute, SharedComputeUpdate } from '@coppice/api'
import type { Command } from 'commander'

import { addBranchFlags, type BranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { addSizeFlags, sizeFields, type SizeFlags } from '../compute-options.ts'
import { openScope } from '../context.ts'
import { endpointPath } from '../endpoint-choice.ts'
import { CliError, deleted } from '../errors.ts'
import { addExamples } from '../help.ts'
import { computeDetails, computeTable } from '../views/compute.ts'
import { endpointDetails } from '../views/endpoint.ts'
import { addComputesWhy } from './computes-why.ts'

interface SetFlags extends SizeFlags {
  name?: string
  forNewBranches?: boolean
}

/** `computes`: processors and memory that several branches share, and why any of them is awake. */
export function addComputes(program: Command, cli: Cli): void {
  const computes = program
    .command('computes')
    .description('Manage computes that several branches share.')
  computes
    .command('list')
    .description('List them, with the branches that share each.')
    .action(async () => {
      const { client, projectId } = await openScope(cli)
      const { computes: list } = await client.listProjectComputes({
        path: { project_id: projectId },
      })
      await cli.output.answer(list, async () =>
        list.length > 0
          ? computeTable(list)
          : 'No computes are shared. Make one with `coppice computes create <name> --cu 1`.',
      )
    })
  addCreate(computes, cli)
  addSet(computes, cli)
  addAttach(computes, cli)
  addDetach(computes, cli)
  addDelete(computes, cli)
  addComputesWhy(computes, cli)
}

function addCreate(computes: Command, cli: Cli): void {
  const command = computes
    .command('create')
    .description('Make a compute for branches to share.')
    .argument('<name>', 'Its name, such as dev.')
  addExamples(addSharedFlags(command), [
    ['computes create dev --cu 1', 'One processor and 4 GB for all that join'],
    ['computes create previews --cu 0.25-2 --for-new-branches', 'New branches share it'],
  ]).action(async (name: string, flags: SetFlags) => {
    const { client, projectId } = await openScope(cli)
    const { compute } = await client.createProjectCompute({
      path: { project_id: projectId },
      body: { compute: { name, ...changesOf(flags) } },
    })
    await show(cli, compute)
  })
}

function addSet(computes: Command, cli: Cli): void {
  const command = computes
    .command('set')
    .description('Change a compute; branches that are awake in it go on in its new size.')
    .argument('<compute>', 'Compute, by name or id.')
    .option('--name <name>', 'Another name.')
  addExamples(addSharedFlags(command), [['computes set dev --cu 0.5-2', 'Its size']]).action(
    async (compute_id: string, flags: SetFlags) => {
      const changes: SharedComputeUpdate['compute'] = {
        ...(flags.name !== undefined && { name: flags.name }),
        ...changesOf(flags),
      }
      if (Object.keys(changes).length === 0) throw new CliError('Nothing to change was given.')
      const { client, projectId } = await openScope(cli)
      const { compute } = await client.updateProjectCompute({
        path: { project_id: projectId, compute_id },
        body: { compute: changes },
      })
      await show(cli, compute)
    },
  )
}

function addAttach(computes: Command, cli: Cli): void {
  const command = computes
    .command('attach')
    .description('Let a branch share a compute, in place of the one it has.')
    .argument('<compute>', 'Compute, by name or id.')
    .argument('[endpoint]', 'Endpoint, by id; or a branch, for its read-write endpoint.')
  addExamples(addBranchFlags(command, { takesName: false }), [
    ['computes attach dev feature/new-column', 'The branch runs in the compute dev'],
  ]).action(async (compute: string, endpoint: string | undefined, flags: BranchFlags) => {
    await move(cli, compute, endpoint, flags)
  })
}

function addDetach(computes: Command, cli: Cli): void {
  const command = computes
    .command('detach')
    .description('Give a branch a compute of its own again.')
    .argument('[endpoint]', 'Endpoint, by id; or a branch, for its read-write endpoint.')
  addBranchFlags(command, { takesName: false }).action(
    async (endpoint: string | undefined, flags: BranchFlags) => {
      await move(cli, null, endpoint, flags)
    },
  )
}

function addDelete(computes: Command, cli: Cli): void {
  computes
    .command('delete')
    .description('Delete a compute; its branches have computes of their own again.')
    .argument('<compute>', 'Compute, by name or id.')
    .action(async (compute_id: string) => {
      const { client, projectId } = await openScope(cli)
      const path = { project_id: projectId, compute_id }
      const { compute } = deleted(
        await client.deleteProjectCompute({ path }),
        `compute ${compute_id}`,
      )
      await cli.output.answer(compute, async () => `Compute ${compute.name} is deleted.`)
    })
}

async function move(
  cli: Cli,
  compute_id: string | null,
  endpoint: string | undefined,
  flags: BranchFlags,
): Promise<void> {
  const scope = await openScope(cli)
  const answer = await scope.client.updateProjectEndpoint({
    path: await endpointPath(scope, endpoint, flags),
    body: { endpoint: { compute_id } },
  })
  await cli.output.answer(answer.endpoint, () => endpointDetails(answer.endpoint))
}

function addSharedFlags(command: Command): Command {
  return addSizeFlags(command)
    .option('--for-new-branches', 'Branches share it from now on unless they ask for a size.')
    .option('--no-for-new-branches', 'New branches have computes of their own.')
}

function changesOf(flags: SetFlags): Omit<SharedComputeUpdate['compute'], 'name'> {
  return {
    ...sizeFields(flags),
    ...(flags.forNewBranches !== undefined && { for_new_branches: flags.forNewBranches }),
  }
}

async function show(cli: Cli, compute: SharedCompute): Promise<void> {
  await cli.output.answer(compute, () => computeDetails(compute))
}
