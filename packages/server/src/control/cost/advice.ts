/** What could cost less, from facts about branches. Pure. */
import type { CostAdvice, Prices } from '@coppice/api'

import type { Cause } from '../../lib/cause.ts'
import type { BranchFactsRow } from '../store/costs.ts'
import { gbMonths, gigabytes, hoursOfMonth } from './prices.ts'

export interface BranchFacts extends BranchFactsRow {
  /** In the time that is looked at. */
  storage_byte_hours: number
  history_byte_hours: number
  branch_hours: number
  /** By endpoint. */
  active_ms: ReadonlyMap<string, number>
  compute_ms: ReadonlyMap<string, number>
}

export interface AdviceInput {
  branches: readonly BranchFacts[]
  prices: Prices
  now: Date
  /** Beginning of the time that is looked at. */
  from: Date
  /** What has kept an endpoint awake longest. */
  stays: ReadonlyMap<string, Cause>
}

const dayMs = 86_400_000
/** A branch that nobody has used for so long is probably forgotten. */
const unusedMs = 14 * dayMs
/** History is worth a word where it holds more than this, and more than the data itself. */
const minHistoryBytes = 100e6
/** A compute that has been awake for more of the time than this does not sleep. */
const awakeShare = 0.95
/** For less than this nothing can be said. */
const minObservedMs = 6 * 3_600_000
const maxAdvice = 20

/** The dearest first. */
export function adviseOn(input: AdviceInput): CostAdvice[] {
  const all = input.branches.flatMap((branch) => [
    ...unusedBranch(branch, input),
    ...expensiveHistory(branch, input),
    ...neverSleeps(branch, input),
  ])
  return all.toSorted((one, other) => other.cost_month - one.cost_month).slice(0, maxAdvice)
}

function unusedBranch(branch: BranchFacts, { now, prices }: AdviceInput): CostAdvice[] {
  if (branch.is_default || branch.protected || branch.children > 0) return []
  const lastUse = Math.max(branch.created_at.getTime(), branch.last_active?.getTime() ?? 0)
  const unusedForMs = now.getTime() - lastUse
  if (unusedForMs < unusedMs) return []
  const days = Math.floor(unusedForMs / dayMs)
  const frees =
    branch.exclusive_bytes === null ? '' : `, which frees ${renderBytes(branch.exclusive_bytes)}`
  return [
    {
      kind: 'unused_branch',
      project_id: branch.project_id,
      branch_id: branch.branch_id,
      message: `branch ${branch.branch_name} has not been used for ${days} days: delete it${frees}, or let the next one expire`,
      cost_month:
        monthly(branch.storage_byte_hours, branch, prices.storage_gb_month) +
        prices.extra_branch_month,
    },
  ]
}

function expensiveHistory(branch: BranchFacts, { prices }: AdviceInput): CostAdvice[] {
  const bytes = average(branch.history_byte_hours, branch)
  const dataBytes = average(branch.storage_byte_hours, branch)
  if (bytes < minHistoryBytes || bytes <= dataBytes) return []
  const days = Math.round(branch.history_retention_seconds / 86_400)
  return [
    {
      kind: 'expensive_history',
      project_id: branch.project_id,
      branch_id: branch.branch_id,
      message: `the history of branch ${branch.branch_name} holds ${renderBytes(bytes)} and its data ${renderBytes(dataBytes)}: a window shorter than ${days} days (history_retention_seconds) costs less`,
      cost_month: monthly(branch.history_byte_hours, branch, prices.history_gb_month),
    },
  ]
}

function neverSleeps(branch: BranchFacts, input: AdviceInput): CostAdvice[] {
  const { now, from, prices, stays } = input
  return branch.endpoints.flatMap((endpoint): CostAdvice[] => {
    const since = Math.max(from.getTime(), Date.parse(endpoint.created_at))
    const observedMs = now.getTime() - since
    const activeMs = branch.active_ms.get(endpoint.id) ?? 0
    if (observedMs < minObservedMs || activeMs < observedMs * awakeShare) return []
    const units = (branch.compute_ms.get(endpoint.id) ?? 0) / activeMs
    return [
      {
        kind: 'never_sleeps',
        project_id: branch.project_id,
        branch_id: branch.branch_id,
        endpoint_id: endpoint.id,
        message: `the compute of branch ${branch.branch_name} never sleeps: ${whyAwake(endpoint, stays.get(endpoint.id))}`,
        cost_month: units * hoursOfMonth * prices.compute_unit_hour,
      },
    ]
  })
}

function whyAwake(
  { id, suspend_timeout_seconds }: BranchFacts['endpoints'][number],
  cause: Cause | undefined,
): string {
  if (suspend_timeout_seconds < 0) {
    return 'it is told never to; give it a suspend_timeout_seconds of 0 or more'
  }
  if (cause === undefined) return `\`coppice computes why ${id}\` shows who uses it`
  const who = [
    cause.application_name,
    cause.role && `role ${cause.role}`,
    cause.client_address && `from ${cause.client_address}`,
    cause.detail,
  ].filter(Boolean)
  const by = who.length > 0 ? ` (${who.join(', ')})` : ''
  const remedy =
    cause.application_name === undefined
      ? 'if that may wait, let it connect with coppice.wake=off'
      : `if that may wait: \`coppice computes quiet ${id} ${JSON.stringify(cause.application_name)}\``
  return `${cause.reason}${by}; ${remedy}`
}

/** Bytes at a time. */
const average = (byteHours: number, { branch_hours }: BranchFacts): number =>
  branch_hours === 0 ? 0 : byteHours / branch_hours

const monthly = (byteHours: number, branch: BranchFacts, price: number): number =>
  gbMonths(average(byteHours, branch) * hoursOfMonth) * price

const renderBytes = (bytes: number): string =>
  bytes >= 1e9 ? `${gigabytes(bytes).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`
