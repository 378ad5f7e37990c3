/** What a month has cost by the price list, what sleeping and sharing have saved, and advice. Wakes nothing. */
import type { CostItem, CostReport, CostShare, Prices } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { longestStays } from '../store/compute-events.ts'
import * as store from '../store/costs.ts'
import type { BranchFactsRow, BranchStorageRow, EndpointUsageRow } from '../store/costs.ts'
import { startOfMonth } from '../usage-period.ts'
import { recordUsage } from '../usage.ts'
import { adviseOn, type BranchFacts } from './advice.ts'
import { pricesInForce } from './price-list.ts'
import {
  computeCost,
  gbMonths,
  gigabytes,
  grossCost,
  hours,
  presetNames,
  presets,
  type PricedUsage,
  priceUsage,
  sumOf,
} from './prices.ts'

const hourMs = 3_600_000

export type CostGrouping = 'branch' | 'endpoint'

export interface CostRequest {
  /** `2026-11`; the running one unless given. */
  month?: string | undefined
  by?: CostGrouping | undefined
  /** All of them unless given. */
  projectId?: string | undefined
}

/** All that a report is made of. */
interface Found {
  endpoints: EndpointUsageRow[]
  storage: BranchStorageRow[]
  facts: BranchFactsRow[]
  from: Date
  /** The month's end, or now where it runs. */
  to: Date
}

export async function reportCost(
  context: Context,
  { month, by = 'branch', projectId }: CostRequest,
): Promise<CostReport> {
  const now = new Date()
  const start = month === undefined ? startOfMonth(now) : parseMonth(month, now)
  const end = startOfMonth(start, 1)
  const isRunning = end > now
  if (isRunning) await recordUsage(context)
  const projectIds =
    projectId === undefined ? await store.listCostProjects(context.store, start, end) : [projectId]
  const range = { from: start, to: end, projectIds }
  const { preset, prices } = await pricesInForce(context)
  const [endpoints, storage, facts, first] = await Promise.all([
    store.sumByEndpoint(context.store, range),
    store.sumByBranch(context.store, range),
    store.listBranchFacts(context.store, projectIds),
    store.firstHour(context.store, range),
  ])
  const found = { endpoints, storage, facts, from: start, to: isRunning ? now : end }
  const progress = {
    observedHours: Math.max(1, (found.to.getTime() - (first ?? start).getTime()) / hourMs),
    remainingHours: isRunning ? (end.getTime() - now.getTime()) / hourMs : 0,
  }
  const itemsBy = async (list: Prices): Promise<CostItem[]> => {
    const extra = await store.extraBranchHours(context.store, range, list.included_branches)
    const usage = { ...usageOf(endpoints, storage), extra_branch_hours: extra }
    return priceUsage(usage, list, progress)
  }
  const items = await itemsBy(prices)
  return {
    month: start.toISOString().slice(0, 7),
    preset,
    prices,
    is_running: isRunning,
    items,
    ...totalsOf(items),
    by_preset: await Promise.all(
      presetNames.map(async (name) => ({
        preset: name,
        currency: presets[name].currency,
        ...totalsOf(await itemsBy(presets[name])),
      })),
    ),
    saved: savedBy(found, prices),
    shares: sharesOf(found, by, prices),
    advice: isRunning ? await advise(context, found, projectIds, prices) : [],
  }
}

const totalsOf = (items: readonly CostItem[]): Pick<CostReport, 'total' | 'estimate'> => ({
  total: sumOf(items.map((item) => item.cost)),
  estimate: sumOf(items.map((item) => item.estimate)),
})

function parseMonth(text: string, now: Date): Date {
  const start = new Date(`${text}-01T00:00:00Z`)
  const isMonth = /^\d{4}-\d{2}$/.test(text) && !Number.isNaN(start.getTime())
  if (isMonth && start <= now) return start
  throw new AppError('invalid_request', 'month is one that has begun, as 2026-11')
}

function usageOf(
  endpoints: readonly EndpointUsageRow[],
  storage: readonly BranchStorageRow[],
): PricedUsage {
  return {
    compute_ms: sumOf(endpoints.map((row) => row.compute_ms)),
    egress_bytes: sumOf(endpoints.map((row) => row.data_transfer_bytes)),
    storage_byte_hours: sumOf(storage.map((row) => row.data_byte_hours)),
    history_byte_hours: sumOf(storage.map((row) => row.history_byte_hours)),
    snapshot_byte_hours: sumOf(storage.map((row) => row.snapshot_byte_hours)),
    branch_hours: sumOf(storage.map((row) => row.branch_hours)),
    extra_branch_hours: 0,
  }
}

/** Sleeping is told of the endpoints that there are: each could have been awake since it was made. */
function savedBy(
  { endpoints, storage, facts, from, to }: Found,
  prices: Prices,
): CostReport['saved'] {
  let sleepingMs = 0
  let sleepingComputeMs = 0
  let sharedComputeMs = 0
  for (const endpoint of facts.flatMap((branch) => branch.endpoints)) {
    const since = Math.max(from.getTime(), Date.parse(endpoint.created_at))
    const rows = endpoints.filter((row) => row.endpoint_id === endpoint.id)
    const activeMs = sumOf(rows.map((row) => row.active_ms))
    const sleptMs = Math.max(0, to.getTime() - since - activeMs)
    sleepingMs += sleptMs
    sleepingComputeMs += sleptMs * (endpoint.shared_min_cu ?? endpoint.min_cu)
    if (endpoint.shared_min_cu === null) continue
    const usedMs = sumOf(rows.map((row) => row.compute_ms))
    sharedComputeMs += Math.max(0, activeMs * endpoint.min_cu - usedMs)
  }
  const sharedGbMonths = gbMonths(sumOf(storage.map((row) => row.shared_byte_hours)))
  return {
    sleeping_hours: hours(sleepingMs),
    sleeping_compute_unit_hours: hours(sleepingComputeMs),
    sleeping_cost: computeCost(sleepingComputeMs, prices),
    shared_gb_months: sharedGbMonths,
    shared_compute_unit_hours: hours(sharedComputeMs),
    sharing_cost: sharedGbMonths * prices.storage_gb_month + computeCost(sharedComputeMs, prices),
  }
}

/** The dearest first. Storage is of a branch, so by endpoint it is left out. */
function sharesOf(
  { endpoints, storage, facts }: Found,
  by: CostGrouping,
  prices: Prices,
): CostShare[] {
  const known = new Map(facts.map((row) => [row.branch_id, row]))
  const nameOf = (branchId: string) => known.get(branchId)?.branch_name ?? branchId
  const shares =
    by === 'endpoint'
      ? endpoints.map((row) => ({
          ...shareOf(row, nameOf(row.branch_id), [row], [], prices),
          endpoint_id: row.endpoint_id,
        }))
      : branchesOf([...endpoints, ...storage]).map((row) => {
          const isOf = (one: BranchRef) => one.branch_id === row.branch_id
          const exclusive = known.get(row.branch_id)?.exclusive_bytes ?? null
          return {
            ...shareOf(
              row,
              nameOf(row.branch_id),
              endpoints.filter(isOf),
              storage.filter(isOf),
              prices,
            ),
            ...(exclusive !== null && { exclusive_gb: gigabytes(exclusive) }),
          }
        })
  return shares.toSorted((one, other) => other.cost - one.cost)
}

type BranchRef = Pick<EndpointUsageRow, 'project_id' | 'branch_id'>

const branchesOf = (rows: readonly BranchRef[]): BranchRef[] => [
  ...new Map(rows.map((row) => [row.branch_id, row])).values(),
]

function shareOf(
  { project_id, branch_id }: BranchRef,
  branch_name: string,
  endpoints: readonly EndpointUsageRow[],
  storage: readonly BranchStorageRow[],
  prices: Prices,
): CostShare {
  const usage = usageOf(endpoints, storage)
  return {
    project_id,
    branch_id,
    branch_name,
    active_hours: hours(sumOf(endpoints.map((row) => row.active_ms))),
    cpu_hours: hours(sumOf(endpoints.map((row) => row.cpu_ms))),
    compute_unit_hours: hours(usage.compute_ms),
    storage_gb_months: gbMonths(usage.storage_byte_hours),
    history_gb_months: gbMonths(usage.history_byte_hours),
    snapshot_gb_months: gbMonths(usage.snapshot_byte_hours),
    egress_gb: gigabytes(usage.egress_bytes),
    written_gb: gigabytes(sumOf(endpoints.map((row) => row.written_data_bytes))),
    cost: grossCost(usage, prices),
  }
}

async function advise(
  context: Context,
  { endpoints, storage, facts, from, to }: Found,
  projectIds: readonly string[],
  prices: Prices,
): Promise<CostReport['advice']> {
  const stays = await longestStays(context.store, { projectIds, since: from, perEndpoint: 1 })
  const branches = facts.map((row): BranchFacts => {
    const held = storage.find((one) => one.branch_id === row.branch_id)
    const own = endpoints.filter((one) => one.branch_id === row.branch_id)
    return {
      ...row,
      storage_byte_hours: held?.data_byte_hours ?? 0,
      history_byte_hours: held?.history_byte_hours ?? 0,
      branch_hours: held?.branch_hours ?? 0,
      active_ms: new Map(own.map((one) => [one.endpoint_id, one.active_ms])),
      compute_ms: new Map(own.map((one) => [one.endpoint_id, one.compute_ms])),
    }
  })
  return adviseOn({
    branches,
    prices,
    now: to,
    from,
    stays: new Map(stays.map(({ endpoint_id, cause }) => [endpoint_id, cause])),
  })
}
