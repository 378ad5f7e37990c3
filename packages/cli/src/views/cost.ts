import type { CostItem, CostReport, CostShare, PricesAnswer } from '@coppice/api'

import { renderDetails, renderTable } from '../table.ts'
import { formatMoney } from './money.ts'

/** Items, the sum, what was saved, shares where they are asked for, and advice. */
export async function renderCost(
  report: CostReport,
  { by }: { by: 'branch' | 'endpoint' | undefined },
): Promise<string> {
  const parts = [await itemTable(report), await sumsOf(report)]
  if (by !== undefined && report.shares.length > 0) parts.push(await shareTable(report))
  if (report.advice.length > 0) parts.push(adviceOf(report))
  return parts.join('\n\n')
}

/** The names are those that `--set` takes. */
export async function renderPrices({ preset, prices }: PricesAnswer): Promise<string> {
  const rows = Object.entries(prices).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return renderDetails([['preset', preset], ...rows])
}

async function itemTable({ items, prices, is_running }: CostReport): Promise<string> {
  const money = (amount: number) => formatMoney(amount, prices.currency)
  return renderTable<CostItem>(
    [
      { title: 'what', value: (item) => item.metric },
      { title: 'used', value: (item) => `${amount(item.quantity)} ${item.unit}` },
      {
        title: 'included',
        value: (item) => (item.included > 0 ? amount(item.included) : undefined),
      },
      { title: 'price', value: (item) => money(item.price) },
      { title: 'cost', value: (item) => money(item.cost) },
      {
        title: 'whole month',
        value: (item) => (is_running ? money(item.estimate) : undefined),
      },
    ],
    items,
  )
}

async function sumsOf({ month, prices, saved, ...report }: CostReport): Promise<string> {
  const money = (sum: number) => formatMoney(sum, prices.currency)
  const sleeping = `${amount(saved.sleeping_hours)} hours asleep, ${amount(saved.sleeping_compute_unit_hours)} CU-hours`
  const sharing = `${amount(saved.shared_gb_months)} GB-months, ${amount(saved.shared_compute_unit_hours)} CU-hours`
  const elsewhere = report.by_preset
    .map((list) => `${list.preset} ${formatMoney(list.estimate, list.currency)}`)
    .join(', ')
  return renderDetails([
    [month, report.is_running ? `${money(report.total)} so far` : money(report.total)],
    ['Estimate', report.is_running ? `${money(report.estimate)} for the month` : undefined],
    ['Elsewhere', elsewhere || undefined],
    ['Sleeping saved', `${money(saved.sleeping_cost)} (${sleeping})`],
    ['Sharing saved', `${money(saved.sharing_cost)} (${sharing})`],
  ])
}

async function shareTable({ shares, prices }: CostReport): Promise<string> {
  return renderTable<CostShare>(
    [
      { title: 'branch', value: (one) => one.branch_name },
      { title: 'endpoint', value: (one) => one.endpoint_id },
      { title: 'project', value: (one) => one.project_id },
      { title: 'awake', value: (one) => `${amount(one.active_hours)} h` },
      { title: 'CU-hours', value: (one) => amount(one.compute_unit_hours) },
      { title: 'storage', value: (one) => gbOf(one.storage_gb_months) },
      { title: 'history', value: (one) => gbOf(one.history_gb_months) },
      {
        title: 'its own',
        value: (one) => (one.exclusive_gb === undefined ? undefined : gbOf(one.exclusive_gb)),
      },
      { title: 'egress', value: (one) => gbOf(one.egress_gb) },
      { title: 'cost', value: (one) => formatMoney(one.cost, prices.currency) },
    ],
    shares,
  )
}

function adviceOf({ advice, prices }: CostReport): string {
  const lines = advice.map(
    ({ message, cost_month }) =>
      `- ${message} (${formatMoney(cost_month, prices.currency)} a month)`,
  )
  return ['Advice:', ...lines].join('\n')
}

const gbOf = (value: number): string | undefined => (value > 0 ? `${amount(value)} GB` : undefined)

function amount(value: number): string {
  return value !== 0 && value < 0.1 ? value.toPrecision(2) : value.toFixed(1)
}
