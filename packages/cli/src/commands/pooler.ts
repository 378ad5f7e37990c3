import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openScope } from '../context.ts'
import { endpointPathOrDefault } from '../endpoint-choice.ts'
import { addExamples } from '../help.ts'
import { parseCount } from '../parse.ts'
import { poolerClients, poolerStatus } from '../views/pool-report.ts'

const defaultLimit = 100

/** `pooler`: what the pooler of an endpoint is doing. */
export function addPooler(program: Command, cli: Cli): void {
  const pooler = program
    .command('pooler')
    .description('Show connection pools: who is connected, who waits, who is pinned and why.')
  addStatus(pooler, cli)
  addClients(pooler, cli)
}

function addStatus(pooler: Command, cli: Cli): void {
  const command = onEndpoint(
    pooler.command('status'),
    'Show the pools of an endpoint and the settings in force.',
  )
  addExamples(command, [
    ['pooler status', 'Pools of the default branch'],
    ['endpoints update main --pooler default_pool_size=50', 'Change a setting'],
  ]).action(async (positional: string | undefined, flags: BranchFlags) => {
    const scope = await openScope(cli)
    const path = await endpointPathOrDefault(scope, positional, flags)
    const { pooler: report } = await scope.client.getProjectEndpointPooler({ path })
    await cli.output.answer(report, () => poolerStatus(report))
  })
}

function addClients(pooler: Command, cli: Cli): void {
  const command = onEndpoint(
    pooler.command('clients'),
    'List the clients of the pools; those that wait or are pinned come first.',
  ).addOption(
    new Option('--limit <count>', 'At most so many: 100 unless given.')
      .argParser(parseCount)
      .default(defaultLimit),
  )
  addExamples(command, [
    ['pooler clients main', 'Clients of the branch main'],
    ['pooler clients ep-quiet-sea-12345678 -o json', 'The same for a script, by endpoint'],
  ]).action(
    async (
      positional: string | undefined,
      { limit, ...flags }: BranchFlags & { limit: number },
    ) => {
      const scope = await openScope(cli)
      const path = await endpointPathOrDefault(scope, positional, flags)
      const query = { limit }
      const answer = await scope.client.listProjectEndpointPoolerClients({ path, query })
      await cli.output.answer(answer.clients, () => poolerClients(answer.clients, answer.total))
    },
  )
}

function onEndpoint(command: Command, description: string): Command {
  command
    .description(description)
    .argument('[endpoint]', 'Endpoint, by id; or a branch; the default branch unless given.')
  return addBranchFlags(command, { takesName: true })
}
