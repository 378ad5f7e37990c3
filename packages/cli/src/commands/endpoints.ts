import type { Endpoint } from '@coppice/api'
import type { Command } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { addComputeFlags, computeFields, type ComputeFlags } from '../compute-options.ts'
import { eachBranch, openScope, type Scope } from '../context.ts'
import { type EndpointPath, endpointPath, listEndpoints } from '../endpoint-choice.ts'
import { CliError, deleted } from '../errors.ts'
import { addExamples } from '../help.ts'
import { addPoolerFlag, type PoolerFlags } from '../pooler-options.ts'
import { endpointDetails, endpointTable } from '../views/endpoint.ts'

type Flags = { branch?: string; branchName?: string }

/** `endpoints`: the computes of branches and the addresses at which they are reached. */
export function addEndpoints(program: Command, cli: Cli): void {
  const endpoints = program
    .command('endpoints')
    .alias('endpoint')
    .description('Manage computes: the PostgreSQL that runs for a branch.')
  addList(endpoints, cli)
  addAction(endpoints, cli, {
    name: 'get',
    description: 'Show an endpoint.',
    run: ({ client }, path) => client.getProjectEndpoint({ path }),
  })
  addAction(endpoints, cli, {
    name: 'start',
    description: 'Start a compute; connecting to it does so as well.',
    run: ({ client }, path) => client.startProjectEndpoint({ path }),
  })
  addAction(endpoints, cli, {
    name: 'suspend',
    description: 'Suspend a compute; connecting to it starts it again.',
    run: ({ client }, path) => client.suspendProjectEndpoint({ path }),
  })
  addAction(endpoints, cli, {
    name: 'restart',
    description: 'Restart a compute that is active.',
    run: ({ client }, path) => client.restartProjectEndpoint({ path }),
  })
  addUpdate(endpoints, cli)
  addAction(endpoints, cli, {
    name: 'delete',
    description: 'Take a compute away from its branch; the data stays.',
    run: async ({ client }, path) =>
      deleted(await client.deleteProjectEndpoint({ path }), `endpoint ${path.endpoint_id}`),
    view: async (endpoint) => `Endpoint ${endpoint.id} is deleted; its branch stays.`,
  })
}

function addList(endpoints: Command, cli: Cli): void {
  const command = endpoints
    .command('list')
    .description('List the endpoints of a project, or of one branch.')
  addBranchFlags(command, { takesName: true }).action(async (flags: BranchFlags) => {
    const scope = await openScope(cli)
    const list = await listEndpoints(scope, chooseBranch({ flags }))
    await cli.output.answer(list, async () =>
      list.length > 0
        ? endpointTable(list, await branchNames(scope))
        : 'No endpoints found. Give a branch one with `coppice branches add-compute <branch>`.',
    )
  })
}

async function branchNames(scope: Scope): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for await (const branch of eachBranch(scope)) names.set(branch.id, branch.name)
  return names
}

interface Action {
  name: string
  description: string
  run: (scope: Scope, path: EndpointPath) => Promise<{ endpoint: Endpoint }>
  view?: (endpoint: Endpoint) => Promise<string>
}

function addAction(endpoints: Command, cli: Cli, action: Action): void {
  const { name, description, run, view = endpointDetails } = action
  onEndpoint(endpoints.command(name), description).action(
    async (positional: string | undefined, flags: Flags) => {
      const scope = await openScope(cli)
      const { endpoint } = await run(scope, await endpointPath(scope, positional, flags))
      await cli.output.answer(endpoint, () => view(endpoint))
    },
  )
}

interface UpdateFlags extends ComputeFlags, PoolerFlags {
  name?: string
}

function addUpdate(endpoints: Command, cli: Cli): void {
  const command = onEndpoint(
    endpoints.command('update'),
    'Change the size, the suspend timeout or the pooler of a compute.',
  ).option('--name <name>', 'Name of the compute.')
  addExamples(addPoolerFlag(addComputeFlags(command)), [
    ['endpoints update main --cu 1-4', 'Size of the compute of the branch main'],
    ['endpoints update ep-quiet-sea-12345678 --suspend-timeout 60', 'Suspend it sooner'],
    [
      'endpoints update main --pooler pool_mode=session',
      'Sessions of their own on its pooled host',
    ],
  ]).action(async (positional: string | undefined, flags: Flags & UpdateFlags) => {
    const changes = {
      ...(flags.name !== undefined && { name: flags.name }),
      ...(flags.pooler && { settings: { pgbouncer_settings: flags.pooler } }),
      ...computeFields(flags),
    }
    if (Object.keys(changes).length === 0) throw new CliError('Nothing to change was given.')
    const scope = await openScope(cli)
    const { endpoint } = await scope.client.updateProjectEndpoint({
      path: await endpointPath(scope, positional, flags),
      body: { endpoint: changes },
    })
    await cli.output.answer(endpoint, () => endpointDetails(endpoint))
  })
}

function onEndpoint(command: Command, description: string): Command {
  command
    .description(description)
    .argument('[endpoint]', 'Endpoint, by id; or a branch, for its read-write endpoint.')
  return addBranchFlags(command, { takesName: false })
}
