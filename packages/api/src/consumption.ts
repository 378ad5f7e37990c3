import { type Static, Type } from 'typebox'

import { Id, Timestamp, Uuid } from './ids.ts'

/** How long one timeframe of a history is. */
export const ConsumptionGranularity = Type.Union([
  Type.Literal('hourly'),
  Type.Literal('daily'),
  Type.Literal('monthly'),
])
export type ConsumptionGranularity = Static<typeof ConsumptionGranularity>

/** Ids as repeated parameters, or several in one with commas between them. */
export const IdList = Type.Array(
  Type.String({ pattern: '^([a-z0-9-]{1,60}(,[a-z0-9-]{1,60}){0,99})?$' }),
  { maxItems: 100 },
)

/** Names of metrics, given as ids are. */
export const MetricList = Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 100 })

const period = {
  period_id: Uuid,
  period_plan: Type.String(),
  period_start: Timestamp,
  /** Of past periods only. */
  period_end: Type.Optional(Timestamp),
}

const Amount = Type.Integer({ minimum: 0 })

export const ConsumptionTimeframe = Type.Object({
  timeframe_start: Timestamp,
  timeframe_end: Timestamp,
  active_time_seconds: Amount,
  compute_time_seconds: Amount,
  written_data_bytes: Amount,
  synthetic_storage_size_bytes: Amount,
  data_storage_bytes_hour: Type.Optional(Amount),
  logical_size_bytes: Type.Optional(Amount),
  logical_size_bytes_hour: Type.Optional(Amount),
})
export type ConsumptionTimeframe = Static<typeof ConsumptionTimeframe>

export const ConsumptionMetric = Type.Object({ metric_name: Type.String(), value: Amount })
export type ConsumptionMetric = Static<typeof ConsumptionMetric>

export const ConsumptionPeriods = Type.Array(
  Type.Object({ ...period, consumption: Type.Array(ConsumptionTimeframe) }),
)
export type ConsumptionPeriods = Static<typeof ConsumptionPeriods>

export const ConsumptionPeriodsV2 = Type.Array(
  Type.Object({
    ...period,
    consumption: Type.Array(
      Type.Object({
        timeframe_start: Timestamp,
        timeframe_end: Timestamp,
        metrics: Type.Array(ConsumptionMetric),
      }),
    ),
  }),
)
export type ConsumptionPeriodsV2 = Static<typeof ConsumptionPeriodsV2>

export const ProjectConsumption = Type.Object({ project_id: Id, periods: ConsumptionPeriods })
export const ProjectConsumptionV2 = Type.Object({ project_id: Id, periods: ConsumptionPeriodsV2 })
export const BranchConsumptionV2 = Type.Object({
  project_id: Id,
  branch_id: Id,
  periods: ConsumptionPeriodsV2,
})
