import type { Operation } from '@coppice/api'
import { type Command, Option } from 'commander'

import type { Cli } from '../cli.ts'
import { openScope } from '../context.ts'
import { formatTime } from '../format.ts'
import { parseCount } from '../parse.ts'
import { renderDetails, renderTable } from '../table.ts'

const defaultLimit = 100

/** `operations`: what has been, or is being, done to a project. */
export function addOperations(program: Command, cli: Cli): void {
  const operations = program
    .command('operations')
    .alias('operation')
    .description('Show what the platform has done to a project.')
  operations
    .command('list')
    .description('List operations, the newest first.')
    .addOption(
      new Option('--limit <count>', 'At most so many: 100 unless given.')
        .argParser(parseCount)
        .default(defaultLimit),
    )
    .action(async ({ limit }: { limit: number }) => {
      const { client, projectId } = await openScope(cli)
      const path = { project_id: projectId }
      const { operations: list } = await client.listProjectOperations({ path, query: { limit } })
      await cli.output.answer(list, () =>
        list.length > 0 ? operationTable(list) : 'No operations yet.',
      )
    })
  operations
    .command('get')
    .description('Show an operation.')
    .argument('<id>', 'Operation, by id.')
    .action(async (id: string) => {
      const { client, projectId } = await openScope(cli)
      const path = { project_id: projectId, operation_id: id }
      const { operation } = await client.getProjectOperation({ path })
      await cli.output.answer(operation, () => operationDetails(operation))
    })
}

async function operationTable(operations: readonly Operation[]): Promise<string> {
  return renderTable<Operation>(
    [
      { title: 'id', value: (operation) => operation.id },
      { title: 'action', value: (operation) => operation.action },
      { title: 'status', value: (operation) => operation.status },
      { title: 'took', value: tookOf },
      { title: 'created', value: (operation) => formatTime(operation.created_at) },
    ],
    operations,
  )
}

async function operationDetails(operation: Operation): Promise<string> {
  return renderDetails([
    ['Operation', operation.id],
    ['Action', operation.action],
    ['Status', operation.status],
    ['Branch', operation.branch_id],
    ['Endpoint', operation.endpoint_id],
    ['Error', operation.error],
    ['Failures', operation.failures_count > 0 ? String(operation.failures_count) : undefined],
    ['Took', tookOf(operation)],
    ['Created', formatTime(operation.created_at)],
  ])
}

function tookOf({ total_duration_ms: durationMs }: Operation): string {
  return durationMs < 10_000 ? `${durationMs} ms` : `${(durationMs / 1000).toFixed(1)} s`
}
