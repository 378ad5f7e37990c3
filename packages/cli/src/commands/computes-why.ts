import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openScope } from '../context.ts'
import { endpointPath, endpointPathOrDefault } from '../endpoint-choice.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseWhole } from '../parse.ts'
import { renderAwake } from '../views/awake.ts'

const defaultEvents = 10
const maxEvents = 1000

/** `computes why` and `computes quiet`: why a compute is awake, and who is not to wake it. */
export function addComputesWhy(computes: Command, cli: Cli): void {
  addWhy(computes, cli)
  addQuiet(computes, cli)
}

function addWhy(computes: Command, cli: Cli): void {
  const command = computes
    .command('why')
    .description('Show what keeps a compute awake, and when and why it woke and slept.')
    .argument('[compute]', 'Endpoint, by id; or a branch; the default branch unless given.')
    .addOption(
      new Option('--limit <count>', 'So many entries of its ledger: 10 unless given.')
        .argParser(parseWhole(0, maxEvents))
        .default(defaultEvents),
    )
  addBranchFlags(command, { takesName: true })
  addExamples(command, [
    ['computes why', 'The compute of the default branch'],
    ['computes why dev-alice --limit 100', 'More of the past'],
  ]).action(
    async (
      positional: string | undefined,
      { limit, ...flags }: BranchFlags & { limit: number },
    ) => {
      const scope = await openScope(cli)
      const path = await endpointPathOrDefault(scope, positional, flags)
      const { awake } = await scope.client.getProjectEndpointAwake({ path, query: { limit } })
      await cli.output.answer(awake, async () => renderAwake(awake))
    },
  )
}

function addQuiet(computes: Command, cli: Cli): void {
  const command = computes
    .command('quiet')
    .description('Say which applications neither wake a compute nor keep it awake.')
    .argument('<compute>', 'Endpoint, by id; or a branch.')
    .argument('[applications...]', 'Their application_name, in place of those said before.')
    .option('--none', 'Let every client wake it again.')
  addExamples(command, [
    ['computes quiet main uptime-check pgwatch', 'Two pollers of the branch main'],
    ['computes quiet main --none', 'None any more'],
  ]).action(
    async (compute: string, applications: readonly string[], { none }: { none?: boolean }) => {
      if ((applications.length === 0) === (none !== true)) {
        throw new CliError('Name applications, or say --none.')
      }
      const scope = await openScope(cli)
      const path = await endpointPath(scope, compute, {})
      const body = { quiet_applications: [...applications] }
      const { awake } = await scope.client.updateProjectEndpointAwake({ path, body })
      await cli.output.answer(awake, async () => renderAwake(awake))
    },
  )
}
