import { computeFigures, platformFigures } from '@coppice/api/client'
import { type Command, Option } from 'commander'

import { connect } from '../api.ts'
import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openBranch } from '../context.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseSeconds } from '../parse.ts'
import { metricsTable, type Samples } from '../views/metrics.ts'

interface MetricsFlags extends BranchFlags {
  platform?: boolean
  since: number
  step?: number
}

const defaultSinceSeconds = 3600
const nothing = 'There are no samples of this time: nothing was awake, or nothing ran.\n'

/** `metrics`: what was sampled of a branch's computes, or of the platform. */
export function addMetrics(program: Command, cli: Cli): void {
  const command = program
    .command('metrics')
    .description('Show what was sampled: processor, memory, connections, rows, wakes and more.')
    .argument('[branch]', 'Branch, by name or id; the default branch unless given.')
  addBranchFlags(command, { takesName: true })
    .option('--platform', 'Of the platform as a whole.')
    .addOption(
      new Option('--since <span>', 'From so long ago until now: 1h unless given, 14d at most.')
        .argParser(parseSeconds)
        .default(defaultSinceSeconds),
    )
    .addOption(
      new Option('--step <span>', 'How long the time of each sample is, as 1m.').argParser(
        parseSeconds,
      ),
    )
  addExamples(command, [
    ['metrics', 'The last hour of the default branch'],
    ['metrics dev --since 2d', 'Two days of another'],
    ['metrics --platform --since 7d -o json', 'All samples of the platform, for a script'],
  ]).action(async (positional: string | undefined, flags: MetricsFlags) => {
    const branch = chooseBranch({ positional, flags })
    if (!flags.platform) return showBranch(cli, branch, flags)
    if (branch === undefined) return showPlatform(cli, flags)
    throw new CliError('--platform is of no branch; name one or the other.')
  })
}

async function showBranch(
  cli: Cli,
  branch: string | undefined,
  flags: MetricsFlags,
): Promise<void> {
  const { client, path } = await openBranch(cli, branch)
  const answer = await client.getProjectBranchMetrics({ path, query: rangeOf(flags) })
  await cli.output.answer(answer, async () => {
    const tables: string[] = []
    for (const { endpoint_id, type, samples } of answer.endpoints) {
      const title = answer.endpoints.length > 1 ? `${endpoint_id} (${type})\n` : ''
      tables.push(title + (await tableOf(computeFigures, { ...answer, samples })))
    }
    return tables.length > 0 ? tables.join('\n') : 'The branch has no compute.'
  })
}

async function showPlatform(cli: Cli, flags: MetricsFlags): Promise<void> {
  const client = await connect(cli)
  const answer = await client.getPlatformMetrics({ query: rangeOf(flags) })
  await cli.output.answer(answer, async () => tableOf(platformFigures, answer))
}

async function tableOf(
  figures: Parameters<typeof metricsTable>[0],
  samples: Samples,
): Promise<string> {
  return samples.samples.length > 0 ? `${await metricsTable(figures, samples)}\n` : nothing
}

function rangeOf({ since, step }: MetricsFlags) {
  const to = new Date()
  const from = new Date(to.getTime() - since * 1000)
  return defined({ from: from.toISOString(), to: to.toISOString(), step })
}
