import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

const Price = Type.Number({ minimum: 0, maximum: 1_000_000 })
const Amount = Type.Number({ minimum: 0, maximum: 1e15 })

/** What things cost, and how much of each costs nothing in a month. A GB is 10⁹ bytes, a month 744 hours. */
export const Prices = Type.Object({
  currency: Type.String({ pattern: '^[A-Z]{3}$' }),
  compute_unit_hour: Price,
  storage_gb_month: Price,
  history_gb_month: Price,
  snapshot_gb_month: Price,
  egress_gb: Price,
  extra_branch_month: Price,
  included_compute_unit_hours: Amount,
  /** Of storage, history and snapshots together. */
  included_storage_gb: Amount,
  included_egress_gb: Amount,
  /** Child branches at a time, for each project. */
  included_branches: Amount,
})
export type Prices = Static<typeof Prices>

export const PricePreset = Type.Union([
  Type.Literal('mission'),
  Type.Literal('neon'),
  Type.Literal('neon-scale'),
])
export type PricePreset = Static<typeof PricePreset>

/** Prices over those of a preset, or else over those that are in force. */
export const PricesUpdate = Type.Object({
  preset: Type.Optional(PricePreset),
  prices: Type.Optional(Type.Partial(Prices)),
})
export type PricesUpdate = Static<typeof PricesUpdate>

/** `custom` where the prices are those of no preset. */
export const PriceListName = Type.Union([PricePreset, Type.Literal('custom')])
export type PriceListName = Static<typeof PriceListName>

export const PricesAnswer = Type.Object({
  preset: PriceListName,
  prices: Prices,
})
export type PricesAnswer = Static<typeof PricesAnswer>

export const CostMetric = Type.Union([
  Type.Literal('compute'),
  Type.Literal('storage'),
  Type.Literal('history'),
  Type.Literal('snapshots'),
  Type.Literal('egress'),
  Type.Literal('branches'),
])
export type CostMetric = Static<typeof CostMetric>

export const CostItem = Type.Object({
  metric: CostMetric,
  unit: Type.String(),
  quantity: Type.Number(),
  /** Of the quantity, what costs nothing. */
  included: Type.Number(),
  price: Type.Number(),
  cost: Type.Number(),
  /** For the whole month, if it goes on as it has. */
  estimate: Type.Number(),
  /** The quantity then. */
  estimated_quantity: Type.Number(),
})
export type CostItem = Static<typeof CostItem>

/** Of a branch or an endpoint; what is included is not taken off here. */
export const CostShare = Type.Object({
  project_id: Id,
  branch_id: Id,
  /** The id where it is gone. */
  branch_name: Type.String(),
  endpoint_id: Type.Optional(Id),
  active_hours: Type.Number(),
  cpu_hours: Type.Number(),
  compute_unit_hours: Type.Number(),
  storage_gb_months: Type.Number(),
  history_gb_months: Type.Number(),
  snapshot_gb_months: Type.Number(),
  egress_gb: Type.Number(),
  written_gb: Type.Number(),
  /** Of a branch, now: what destroying it would free, where the file system tells. */
  exclusive_gb: Type.Optional(Type.Number()),
  cost: Type.Number(),
})
export type CostShare = Static<typeof CostShare>

export const CostAdviceKind = Type.Union([
  Type.Literal('unused_branch'),
  Type.Literal('expensive_history'),
  Type.Literal('never_sleeps'),
])

export const CostAdvice = Type.Object({
  kind: CostAdviceKind,
  project_id: Id,
  branch_id: Id,
  endpoint_id: Type.Optional(Id),
  /** What is the matter, and what to do. */
  message: Type.String(),
  /** What a month of it costs by the price list. */
  cost_month: Type.Number(),
})
export type CostAdvice = Static<typeof CostAdvice>

export const CostReport = Type.Object({
  /** `2026-11`, in UTC. */
  month: Type.String(),
  /** Whose prices these are. */
  preset: PriceListName,
  prices: Prices,
  /** Whether the month is not over. */
  is_running: Type.Boolean(),
  items: Type.Array(CostItem),
  total: Type.Number(),
  estimate: Type.Number(),
  /** The same by the price lists that come with the platform, in their own currency. */
  by_preset: Type.Array(
    Type.Object({
      preset: PricePreset,
      currency: Type.String(),
      total: Type.Number(),
      estimate: Type.Number(),
    }),
  ),
  saved: Type.Object({
    /** Hours that computes slept, and what they would have cost at their smallest size. */
    sleeping_hours: Type.Number(),
    sleeping_compute_unit_hours: Type.Number(),
    sleeping_cost: Type.Number(),
    /** What branches share with their parents instead of having a copy. */
    shared_gb_months: Type.Number(),
    /** What branches that share a compute would have used besides, each in the smallest one of its own. */
    shared_compute_unit_hours: Type.Number(),
    /** Of both. */
    sharing_cost: Type.Number(),
  }),
  shares: Type.Array(CostShare),
  advice: Type.Array(CostAdvice),
})
export type CostReport = Static<typeof CostReport>

/** What a timeframe has added to what its month costs, so that they sum up to that. */
export const CostTimeframe = Type.Object({
  timeframe_start: Timestamp,
  timeframe_end: Timestamp,
  items: Type.Array(Type.Pick(CostItem, ['metric', 'unit', 'quantity', 'cost'])),
  total: Type.Number(),
})
export type CostTimeframe = Static<typeof CostTimeframe>

export const CostHistory = Type.Object({
  prices: Prices,
  /** Oldest first. */
  timeframes: Type.Array(CostTimeframe),
})
export type CostHistory = Static<typeof CostHistory>
