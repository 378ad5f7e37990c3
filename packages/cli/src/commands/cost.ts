import type { PricesUpdate } from '@coppice/api'
import { type Command, InvalidArgumentError, Option } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { readContext } from '../context-file.ts'
import { defined } from '../defined.ts'
import { addExamples } from '../help.ts'
import { renderCost, renderPrices } from '../views/cost.ts'

interface CostFlags {
  month?: string
  by?: 'branch' | 'endpoint'
}

/** `cost`: what a month costs by the price list, what sleeping and sharing saved, and advice. */
export function addCost(program: Command, cli: Cli): void {
  const command = program
    .command('cost')
    .description('Show what a month costs, what sleeping and sharing saved, and advice.')
    .addOption(
      new Option('--month <month>', 'As 2026-11; the running one unless given.').argParser(
        parseMonth,
      ),
    )
    .addOption(
      new Option('--by <what>', 'Break it down by branch or by endpoint.').choices([
        'branch',
        'endpoint',
      ]),
    )
  addExamples(command, [
    ['cost', 'All projects, or the pinned one, in the running month'],
    ['cost --month 2026-10 --by branch', 'A month that is over, by branch'],
    ['cost prices --preset neon', "By Neon's prices from now on"],
  ]).action(async ({ month, by }: CostFlags) => {
    const client = await connect(cli)
    const projectId = cli.options.projectId ?? readContext(cli).projectId
    const query = defined({ month, by })
    const { cost } =
      projectId === undefined
        ? await client.getCost({ query })
        : await client.getProjectCost({ path: { project_id: projectId }, query })
    await cli.output.answer(cost, async () => renderCost(cost, { by }))
  })
  addPrices(command, cli)
}

function addPrices(cost: Command, cli: Cli): void {
  const command = cost
    .command('prices')
    .description('Show the price list, or change it.')
    .addOption(
      new Option('--preset <name>', "mission (the default), neon or neon-scale: Neon's.").choices([
        'mission',
        'neon',
        'neon-scale',
      ]),
    )
    .addOption(
      new Option('--set <name=price>', 'A price of the list, by its name; may be repeated.')
        .argParser(collectPrice)
        .default({}),
    )
  addExamples(command, [
    ['cost prices', 'What things cost'],
    ['cost prices --preset neon --set compute_unit_hour=0.12', "Neon's, but for one"],
    ['cost prices --set currency=EUR', 'Another currency; prices stay as they are'],
  ]).action(
    async ({
      preset,
      set,
    }: Pick<PricesUpdate, 'preset'> & { set: Record<string, string | number> }) => {
      const client = await connect(cli)
      const isChange = preset !== undefined || Object.keys(set).length > 0
      const answer = isChange
        ? await client.updatePrices({ body: defined({ preset, prices: set }) })
        : await client.getPrices({})
      await cli.output.answer(answer, async () => renderPrices(answer))
    },
  )
}

function parseMonth(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text
  throw new InvalidArgumentError('Give a month as 2026-11.')
}

function collectPrice(
  text: string,
  before: Record<string, string | number>,
): Record<string, string | number> {
  const [, name, value] = /^([a-z_]+)=(.+)$/.exec(text) ?? []
  if (name === 'currency' && value !== undefined) return { ...before, currency: value }
  const price = Number(value)
  if (name === undefined || !Number.isFinite(price) || price < 0) {
    throw new InvalidArgumentError('Give a name and a price, as egress_gb=0.09.')
  }
  return { ...before, [name]: price }
}
