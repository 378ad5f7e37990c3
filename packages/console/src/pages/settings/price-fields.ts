import type { Prices } from '@coppice/api'

/** Of the price list: what each of its lines is for. */
export const priceFields: readonly { name: keyof Prices; label: string }[] = [
  { name: 'currency', label: 'Currency (three letters)' },
  { name: 'compute_unit_hour', label: 'Compute, a CU-hour' },
  { name: 'storage_gb_month', label: 'Storage, a GB-month' },
  { name: 'history_gb_month', label: 'History, a GB-month' },
  { name: 'snapshot_gb_month', label: 'Snapshots, a GB-month' },
  { name: 'egress_gb', label: 'Egress, a GB' },
  { name: 'extra_branch_month', label: 'Branch beyond the free, a month' },
  { name: 'included_compute_unit_hours', label: 'CU-hours free in a month' },
  { name: 'included_storage_gb', label: 'GB-months free in a month' },
  { name: 'included_egress_gb', label: 'GB of egress free in a month' },
  { name: 'included_branches', label: 'Branches free at a time' },
]

/** Of the fields of a form, those that are not as they were. An empty price is none. */
export function changedPrices(
  prices: Prices,
  fields: (name: keyof Prices) => string,
): Partial<Prices> {
  const changed = priceFields
    .map(({ name }) => [
      name,
      name === 'currency' ? fields(name).toUpperCase() : Number(fields(name)),
    ])
    .filter(([name, value]) => prices[name as keyof Prices] !== value)
  return Object.fromEntries(changed) as Partial<Prices>
}
