import type { CostReport, CostShare } from '@coppice/api'

/** A report as a table for a spreadsheet (RFC 4180): what it is for, then by branch or compute. */
export function costCsv({ month, prices, items, shares, total, estimate }: CostReport): string {
  const { currency } = prices
  const ofItems = items.map((item) => [
    month,
    item.metric,
    item.quantity,
    item.unit,
    item.included,
    item.price,
    item.cost,
    item.estimate,
    currency,
  ])
  return [
    ['month', 'metric', 'quantity', 'unit', 'included', 'price', 'cost', 'estimate', 'currency'],
    ...ofItems,
    [month, 'total', '', '', '', '', total, estimate, currency],
    [],
    ['month', 'branch', ...shareColumns.map(([name]) => name), 'currency'],
    ...shares.map((share) => [
      month,
      share.branch_name,
      ...shareColumns.map(([, valueOf]) => valueOf(share) ?? ''),
      currency,
    ]),
  ]
    .map((row) => row.map(field).join(','))
    .join('\r\n')
    .concat('\r\n')
}

const shareColumns: readonly (readonly [
  string,
  (share: CostShare) => string | number | undefined,
])[] = [
  ['branch_id', (share) => share.branch_id],
  ['endpoint_id', (share) => share.endpoint_id],
  ['active_hours', (share) => share.active_hours],
  ['cpu_hours', (share) => share.cpu_hours],
  ['compute_unit_hours', (share) => share.compute_unit_hours],
  ['storage_gb_months', (share) => share.storage_gb_months],
  ['history_gb_months', (share) => share.history_gb_months],
  ['snapshot_gb_months', (share) => share.snapshot_gb_months],
  ['egress_gb', (share) => share.egress_gb],
  ['written_gb', (share) => share.written_gb],
  ['exclusive_gb', (share) => share.exclusive_gb],
  ['cost', (share) => share.cost],
]

/** Spreadsheets take what begins so for a formula, and branches are named by anybody. */
const formula = /^[=+\-@\t\r]/

function field(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
