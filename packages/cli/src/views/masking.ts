import type { AnonymizedStatus, MaskingRule } from '@coppice/api'

import { formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'

export async function maskingTable(rules: readonly MaskingRule[]): Promise<string> {
  return renderTable<MaskingRule>(
    [
      { title: 'database', value: (rule) => rule.database_name },
      { title: 'table', value: (rule) => `${rule.schema_name}.${rule.table_name}` },
      { title: 'column', value: (rule) => rule.column_name },
      { title: 'becomes', value: becomes },
    ],
    rules,
  )
}

const becomes = ({ masking_function: expression, masking_value: value }: MaskingRule): string =>
  expression ?? `the value ${JSON.stringify(value ?? '')}`

export async function anonymizedDetails(status: AnonymizedStatus): Promise<string> {
  const run = status.last_run
  return renderDetails([
    ['State', status.state],
    ['Message', status.status_message],
    ['Columns', run?.masked_columns === undefined ? undefined : String(run.masked_columns)],
    ['Started', formatTime(run?.started_at)],
    ['Ended', formatTime(run?.completed_at)],
    ['Failed', formatTime(status.failed_at)],
  ])
}
