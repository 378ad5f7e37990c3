import type {
  ConsumptionMetric,
  ConsumptionPeriods,
  ConsumptionPeriodsV2,
  ConsumptionTimeframe,
} from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { type ConsumptionRange, timeframesOf } from './consumption-range.ts'
import type { Context } from './context.ts'
import { requireProject } from './lookups.ts'
import {
  type ConsumptionQuery,
  type ConsumptionRow,
  listMeteredBranches,
  listMeteredProjects,
  type StorageRow,
  sumConsumption,
  sumStorage,
} from './store/consumption.ts'
import { seconds } from './usage-counters.ts'
import { endOfTimeframe, periodId, startOfMonth } from './usage-period.ts'

/** There are no plans: everybody has this one. */
const plan = 'coppice'

const optionalMetrics = [
  'data_storage_bytes_hour',
  'logical_size_bytes',
  'logical_size_bytes_hour',
] as const
type OptionalMetric = (typeof optionalMetrics)[number]

const firstMetrics = new Set<string>([
  'active_time_seconds',
  'compute_time_seconds',
  'written_data_bytes',
  'synthetic_storage_size_bytes',
  ...optionalMetrics,
])

/** Amounts of a timeframe in which nothing was used or occupied are zero. */
interface Timeframe {
  start: Date
  end: Date
  used: ConsumptionRow | undefined
  held: StorageRow | undefined
}

/** Metrics of the second version; storage is in byte-hours and branches are in branch-hours, as Neon's. */
const branchMetrics: Record<string, (timeframe: Timeframe) => number> = {
  compute_unit_seconds: ({ used }) => seconds(used?.compute_ms),
  root_branch_bytes_month: ({ held }) => held?.root_bytes_hour ?? 0,
  child_branch_bytes_month: ({ held }) => held?.child_bytes_hour ?? 0,
  instant_restore_bytes_month: ({ held }) => held?.history_bytes_hour ?? 0,
  public_network_transfer_bytes: ({ used }) => used?.data_transfer_bytes ?? 0,
  /** No endpoint has a private address of its own. */
  private_network_transfer_bytes: () => 0,
}

const projectMetrics: typeof branchMetrics = {
  ...branchMetrics,
  extra_branches_month: ({ held }) => held?.child_hours ?? 0,
  /** Of the branches that there are. */
  snapshot_storage_bytes_month: ({ held }) => held?.snapshot_bytes_hour ?? 0,
}

export interface ProjectPage {
  limit: number
  cursor: string | undefined
  projectIds: readonly string[] | undefined
}

export interface Page<Item> {
  items: Item[]
  cursor: string | undefined
}

/** What projects have used, oldest first. Optional metrics are there where they are named. */
export async function consumptionByProject(
  context: Context,
  range: ConsumptionRange,
  page: ProjectPage,
  metrics: readonly string[] | undefined,
): Promise<Page<{ project_id: string; periods: ConsumptionPeriods }>> {
  checkMetrics(metrics ?? [], firstMetrics)
  const named = optionalMetrics.filter((metric) => metrics?.includes(metric))
  return byProject(context, range, page, false, (timeframe) => presentTimeframe(timeframe, named))
}

/** Metrics of projects, newest first. */
export async function metricsByProject(
  context: Context,
  range: ConsumptionRange,
  page: ProjectPage,
  metrics: readonly string[],
): Promise<Page<{ project_id: string; periods: ConsumptionPeriodsV2 }>> {
  const present = metricsPresenter(metrics, projectMetrics)
  return byProject(context, range, page, true, present)
}

async function byProject<Shown>(
  context: Context,
  range: ConsumptionRange,
  { limit, cursor, projectIds: ids }: ProjectPage,
  newestFirst: boolean,
  present: (timeframe: Timeframe) => Shown,
): Promise<Page<{ project_id: string; periods: Periods<Shown> }>> {
  const projects = await listMeteredProjects(context.store, {
    ids,
    limit,
    afterId: cursor,
    newestFirst,
  })
  const sums = await readSums(context, { ...range, projectIds: projects.map(({ id }) => id) })
  return {
    items: projects.map(({ id, created_at }) => ({
      project_id: id,
      periods: presentPeriods(context, range, created_at, sums.of(id), present),
    })),
    cursor: projects.length === limit ? projects.at(-1)?.id : undefined,
  }
}

export interface BranchPage {
  limit: number
  after: { projectId: string; branchId: string } | undefined
  projectIds: readonly string[]
  branchIds: readonly string[] | undefined
}

/** Metrics of branches, also of those that are deleted and were there within the range. */
export async function metricsByBranch(
  context: Context,
  range: ConsumptionRange,
  { projectIds, branchIds: ids, limit, after }: BranchPage,
  metrics: readonly string[],
): Promise<{ project_id: string; branch_id: string; periods: ConsumptionPeriodsV2 }[]> {
  const present = metricsPresenter(metrics, branchMetrics)
  if (projectIds.length === 0) {
    throw new AppError('invalid_request', 'project_ids: name one project at least')
  }
  for (const projectId of projectIds) await requireProject(context, projectId)
  const branches = await listMeteredBranches(context.store, {
    ...range,
    projectIds,
    ids,
    limit,
    after,
  })
  const branchIds = branches.map(({ branch_id }) => branch_id)
  const sums = await readSums(context, { ...range, projectIds, branchIds })
  return branches.map(({ project_id, branch_id, since }) => ({
    project_id,
    branch_id,
    periods: presentPeriods(context, range, since, sums.of(branch_id), present),
  }))
}

type FindTimeframe = (start: Date) => Pick<Timeframe, 'used' | 'held'>

async function readSums(
  context: Context,
  query: ConsumptionQuery,
): Promise<{ of(id: string): FindTimeframe }> {
  const [used, held] = await Promise.all([
    sumConsumption(context.store, query),
    sumStorage(context.store, query),
  ])
  const nameOf = (id: string, start: Date): string => `${id} ${start.getTime()}`
  const named = <Row extends ConsumptionRow | StorageRow>(rows: Row[]): Map<string, Row> =>
    new Map(rows.map((row) => [nameOf(row.branch_id ?? row.project_id, row.timeframe), row]))
  const [usedByName, heldByName] = [named(used), named(held)]
  return {
    of: (id) => (start) => ({
      used: usedByName.get(nameOf(id, start)),
      held: heldByName.get(nameOf(id, start)),
    }),
  }
}

type Periods<Shown> = {
  period_id: string
  period_plan: string
  period_start: string
  period_end?: string
  consumption: Shown[]
}[]

/** Every timeframe from `since` on, in its month. */
function presentPeriods<Shown>(
  context: Context,
  range: ConsumptionRange,
  since: Date,
  find: FindTimeframe,
  present: (timeframe: Timeframe) => Shown,
): Periods<Shown> {
  const periods = new Map<number, Periods<Shown>[number]>()
  for (const start of timeframesOf(range, since)) {
    const month = startOfMonth(start)
    const period = periods.get(month.getTime()) ?? describePeriod<Shown>(context, month)
    periods.set(month.getTime(), period)
    const end = endOfTimeframe(range.granularity, start)
    period.consumption.push(present({ start, end, ...find(start) }))
  }
  return [...periods.values()]
}

function describePeriod<Shown>(context: Context, start: Date): Periods<Shown>[number] {
  const end = startOfMonth(start, 1)
  return {
    period_id: periodId(context.settings.platformId, start),
    period_plan: plan,
    period_start: start.toISOString(),
    ...(end <= new Date() && { period_end: end.toISOString() }),
    consumption: [],
  }
}

function presentTimeframe(
  { start, end, used, held }: Timeframe,
  named: readonly OptionalMetric[],
): ConsumptionTimeframe {
  const optional: Record<OptionalMetric, number> = {
    data_storage_bytes_hour:
      (held?.root_bytes_hour ?? 0) +
      (held?.child_bytes_hour ?? 0) +
      (held?.history_bytes_hour ?? 0),
    logical_size_bytes: held?.logical_bytes ?? 0,
    logical_size_bytes_hour: held?.logical_bytes_hour ?? 0,
  }
  return {
    timeframe_start: start.toISOString(),
    timeframe_end: end.toISOString(),
    active_time_seconds: seconds(used?.active_ms),
    compute_time_seconds: seconds(used?.compute_ms),
    written_data_bytes: used?.written_data_bytes ?? 0,
    synthetic_storage_size_bytes: held?.storage_bytes ?? 0,
    ...Object.fromEntries(named.map((name) => [name, optional[name]])),
  }
}

function metricsPresenter(metrics: readonly string[], known: typeof branchMetrics) {
  if (metrics.length === 0) {
    throw new AppError('invalid_request', `metrics: name some of ${Object.keys(known).join(', ')}`)
  }
  checkMetrics(metrics, new Set(Object.keys(known)))
  return (timeframe: Timeframe) => ({
    timeframe_start: timeframe.start.toISOString(),
    timeframe_end: timeframe.end.toISOString(),
    metrics: metrics.map((name): ConsumptionMetric => ({
      metric_name: name,
      value: known[name]?.(timeframe) ?? 0,
    })),
  })
}

function checkMetrics(metrics: readonly string[], known: ReadonlySet<string>): void {
  const unknown = metrics.find((metric) => !known.has(metric))
  if (unknown === undefined) return
  throw new AppError(
    'invalid_request',
    `metrics: ${JSON.stringify(unknown)} is not one of ${[...known].join(', ')}`,
  )
}
