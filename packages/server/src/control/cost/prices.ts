/** What things cost: price lists, and usage times prices. Pure. */
import type { CostItem, CostMetric, PricePreset, Prices } from '@coppice/api'

/** Neon's month, of 31 days. */
export const hoursOfMonth = 744
const bytesOfGb = 1e9
const msOfHour = 3_600_000

/**
 * `mission`: what this platform was asked for: computes cost nothing, all that is stored costs alike.
 * `neon` and `neon-scale`: Neon's published prices of its plans Launch and Scale as of March 2026.
 */
export const presets: Readonly<Record<PricePreset, Prices>> = {
  mission: {
    currency: 'USD',
    compute_unit_hour: 0,
    storage_gb_month: 0.3,
    history_gb_month: 0.3,
    snapshot_gb_month: 0.3,
    egress_gb: 0.1,
    extra_branch_month: 0,
    included_compute_unit_hours: 0,
    included_storage_gb: 10,
    included_egress_gb: 1,
    included_branches: 0,
  },
  neon: {
    currency: 'USD',
    compute_unit_hour: 0.106,
    storage_gb_month: 0.35,
    history_gb_month: 0.2,
    snapshot_gb_month: 0.09,
    egress_gb: 0.1,
    extra_branch_month: 1.5,
    included_compute_unit_hours: 0,
    included_storage_gb: 0,
    included_egress_gb: 100,
    included_branches: 10,
  },
  'neon-scale': {
    currency: 'USD',
    compute_unit_hour: 0.222,
    storage_gb_month: 0.35,
    history_gb_month: 0.2,
    snapshot_gb_month: 0.09,
    egress_gb: 0.1,
    extra_branch_month: 1.5,
    included_compute_unit_hours: 0,
    included_storage_gb: 0,
    included_egress_gb: 100,
    included_branches: 25,
  },
}

export const presetNames = Object.keys(presets) as PricePreset[]

/** What was used in a month, or in a part of one. */
export interface PricedUsage {
  /** Compute units × milliseconds. */
  compute_ms: number
  storage_byte_hours: number
  history_byte_hours: number
  snapshot_byte_hours: number
  egress_bytes: number
  branch_hours: number
  /** Of these, beyond what is included. */
  extra_branch_hours: number
}

export const noUsage: PricedUsage = {
  compute_ms: 0,
  storage_byte_hours: 0,
  history_byte_hours: 0,
  snapshot_byte_hours: 0,
  egress_bytes: 0,
  branch_hours: 0,
  extra_branch_hours: 0,
}

type PricedItem = Omit<CostItem, 'estimate' | 'estimated_quantity'>

/** A running month: what has been observed of it, and what is to come. */
export interface MonthProgress {
  observedHours: number
  remainingHours: number
}

export const gbMonths = (byteHours: number): number => byteHours / bytesOfGb / hoursOfMonth
export const gigabytes = (bytes: number): number => bytes / bytesOfGb
export const hours = (ms: number): number => ms / msOfHour

/** Of compute units × milliseconds. */
export const computeCost = (computeMs: number, prices: Pick<Prices, 'compute_unit_hour'>): number =>
  hours(computeMs) * prices.compute_unit_hour

/** Each metric with what of it costs nothing, and what it comes to if the month goes on as it has. */
export function priceUsage(
  usage: PricedUsage,
  prices: Prices,
  progress: MonthProgress = { observedHours: 1, remainingHours: 0 },
): CostItem[] {
  const now = priceOnce(usage, prices)
  const { observedHours, remainingHours } = progress
  const growth = observedHours > 0 ? 1 + remainingHours / observedHours : 1
  const whole = priceOnce(scale(usage, growth), prices)
  return now.map((item, at) => ({
    ...item,
    estimate: whole[at]?.cost ?? item.cost,
    estimated_quantity: whole[at]?.quantity ?? item.quantity,
  }))
}

/**
 * What each of several timeframes of one month, from its beginning on, has added to what the month costs:
 * what is included is used up by those that come first.
 */
export function priceInTurn(timeframes: readonly PricedUsage[], prices: Prices): PricedItem[][] {
  let sofar = noUsage
  let before = priceOnce(sofar, prices)
  return timeframes.map((usage) => {
    sofar = add(sofar, usage)
    const after = priceOnce(sofar, prices)
    const items = after.map((item, at) => ({
      ...item,
      quantity: item.quantity - (before[at]?.quantity ?? 0),
      included: item.included - (before[at]?.included ?? 0),
      cost: item.cost - (before[at]?.cost ?? 0),
    }))
    before = after
    return items
  })
}

/** What it would cost without anything included. */
export function grossCost(usage: PricedUsage, prices: Prices): number {
  const free = { included_compute_unit_hours: 0, included_storage_gb: 0, included_egress_gb: 0 }
  return sumOf(priceOnce(usage, { ...prices, ...free }).map((item) => item.cost))
}

export const sumOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0)

function priceOnce(usage: PricedUsage, prices: Prices): PricedItem[] {
  const stored = [
    ['storage', usage.storage_byte_hours, prices.storage_gb_month],
    ['history', usage.history_byte_hours, prices.history_gb_month],
    ['snapshots', usage.snapshot_byte_hours, prices.snapshot_gb_month],
  ] as const
  let freeGbMonths = prices.included_storage_gb
  const storage = stored.map(([metric, byteHours, price]) => {
    const quantity = gbMonths(byteHours)
    const included = Math.min(quantity, freeGbMonths)
    freeGbMonths -= included
    return priced(metric, 'GB-month', { quantity, included, price })
  })
  const computeHours = hours(usage.compute_ms)
  const egress = gigabytes(usage.egress_bytes)
  return [
    priced('compute', 'CU-hour', {
      quantity: computeHours,
      included: Math.min(computeHours, prices.included_compute_unit_hours),
      price: prices.compute_unit_hour,
    }),
    ...storage,
    priced('egress', 'GB', {
      quantity: egress,
      included: Math.min(egress, prices.included_egress_gb),
      price: prices.egress_gb,
    }),
    priced('branches', 'branch-month', {
      quantity: usage.branch_hours / hoursOfMonth,
      included: (usage.branch_hours - usage.extra_branch_hours) / hoursOfMonth,
      price: prices.extra_branch_month,
    }),
  ]
}

function priced(
  metric: CostMetric,
  unit: string,
  { quantity, included, price }: Pick<CostItem, 'quantity' | 'included' | 'price'>,
): PricedItem {
  return { metric, unit, quantity, included, price, cost: (quantity - included) * price }
}

const scale = (usage: PricedUsage, factor: number): PricedUsage =>
  eachOf((name) => usage[name] * factor)

const add = (usage: PricedUsage, more: PricedUsage): PricedUsage =>
  eachOf((name) => usage[name] + more[name])

function eachOf(amountOf: (name: keyof PricedUsage) => number): PricedUsage {
  const names = Object.keys(noUsage) as (keyof PricedUsage)[]
  // An entry for each name.
  return Object.fromEntries(names.map((name) => [name, amountOf(name)])) as unknown as PricedUsage
}
