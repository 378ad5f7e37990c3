/** For whom computes were awake, how long and at what cost. */
import type { AwakeEvent, AwakeReason, EndpointAwake } from '@coppice/api'

import { formatAction } from '../../ui/format.ts'
import type { TimeView } from '../../ui/time-view.ts'
import { type Segment, segmentsOf } from './awake-lanes.ts'

/** Who or what: an application where one is named, else a role, else the platform's own reason. */
export interface CauseName {
  key: string
  title: string
}

export function nameCause(cause: AwakeEvent | AwakeReason): CauseName {
  const { application_name, role, reason, detail } = cause
  if (application_name !== undefined && application_name !== '') {
    return { key: `application ${application_name}`, title: application_name }
  }
  if (role !== undefined) return { key: `role ${role}`, title: `role ${role}` }
  if (detail === undefined || reason === 'idle') return { key: `reason ${reason}`, title: reason }
  const title = `${reason}: ${reason === 'operation' ? formatAction(detail) : detail}`
  return { key: `reason ${title}`, title }
}

export interface CauseTotal extends CauseName {
  seconds: number
  cost: number
  wakes: number
  /** What it did: `running a query`, `client`. */
  reasons: string[]
  /** Of clients that are named by their application, which can be told to be quiet. */
  application: string | undefined
}

/** Awake time that nothing in the ledger explains, since it begins before it. */
const unknown: CauseName = { key: 'unknown', title: 'before the ledger begins' }

/**
 * The awake time of a window by cause, longest first. Each moment counts once: for what is noted to have
 * kept the compute awake then, in equal parts where that is several, else for what had woken it.
 */
export function totalsOf(computes: readonly EndpointAwake[], window: TimeView): CauseTotal[] {
  const totals = new Map<string, CauseTotal>()
  for (const compute of computes) {
    for (const segment of segmentsOf(compute, window)) {
      if (segment.state === 'awake') addSegment(totals, compute, segment)
    }
  }
  return [...totals.values()].toSorted((a, b) => b.seconds - a.seconds || b.wakes - a.wakes)
}

function addSegment(
  totals: Map<string, CauseTotal>,
  compute: EndpointAwake,
  segment: Segment,
): void {
  const { begunBy, fromMs, toMs } = segment
  const costPerSecond = costOf(compute, segment) / ((toMs - fromMs) / 1000)
  const add = (cause: AwakeEvent | undefined, seconds: number): void => {
    const total = totalOf(totals, cause)
    total.seconds += seconds
    total.cost += seconds * costPerSecond
  }
  if (begunBy && Date.parse(begunBy.at) >= fromMs) totalOf(totals, begunBy).wakes += 1
  const stays = compute.events.filter(({ event }) => event === 'stayed_awake').map(intervalOf)
  const edges = [fromMs, toMs, ...stays.flatMap(({ startMs, endMs }) => [startMs, endMs])]
    .filter((ms) => ms >= fromMs && ms <= toMs)
    .toSorted((a, b) => a - b)
  for (const [at, startMs] of edges.entries()) {
    const endMs = edges[at + 1] ?? startMs
    if (endMs === startMs) continue
    const seconds = (endMs - startMs) / 1000
    const keeping = stays.filter((stay) => stay.startMs <= startMs && stay.endMs >= endMs)
    for (const { stay } of keeping) add(stay, seconds / keeping.length)
    if (keeping.length === 0) add(begunBy, seconds)
  }
}

function intervalOf(stay: AwakeEvent): { stay: AwakeEvent; startMs: number; endMs: number } {
  const startMs = Date.parse(stay.at)
  return { stay, startMs, endMs: startMs + (stay.duration_seconds ?? 0) * 1000 }
}

function totalOf(totals: Map<string, CauseTotal>, cause: AwakeEvent | undefined): CauseTotal {
  const name = cause === undefined ? unknown : nameCause(cause)
  const total: CauseTotal = totals.get(name.key) ?? {
    ...name,
    seconds: 0,
    cost: 0,
    wakes: 0,
    reasons: [],
    application: cause?.application_name,
  }
  totals.set(name.key, total)
  if (cause && !total.reasons.includes(cause.reason)) total.reasons.push(cause.reason)
  return total
}

/** Of the part of the time awake that is within the window. */
function costOf(compute: EndpointAwake, segment: Segment): number {
  const { begunBy, endedBy, fromMs, toMs } = segment
  if (endedBy === undefined) return costSoFar(compute)
  const wholeMs = (endedBy.duration_seconds ?? 0) * 1000
  const fullMs = begunBy === undefined ? wholeMs : Date.parse(endedBy.at) - Date.parse(begunBy.at)
  return fullMs <= 0 ? 0 : (endedBy.cost ?? 0) * Math.min(1, (toMs - fromMs) / fullMs)
}

/** What has been counted since PostgreSQL has started, without what freezes since then have told. */
function costSoFar({ events, cost }: EndpointAwake): number {
  const sleptAt = events.findIndex(({ event }) => event === 'slept')
  const since = sleptAt === -1 ? events : events.slice(0, sleptAt)
  const told = since
    .filter(({ event }) => event === 'frozen')
    .reduce((sum, { cost: one = 0 }) => sum + one, 0)
  return Math.max(0, cost - told)
}
