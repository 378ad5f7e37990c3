import type { AwakeEvent, AwakeReason, AwakeSession, EndpointAwake } from '@coppice/api'

import { formatDuration, formatSuspendTimeout, formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'
import { formatMoney } from './money.ts'

/** What keeps it awake now, then who is there, then the ledger. */
export async function renderAwake(awake: EndpointAwake): Promise<string> {
  const isUp = awake.current_state === 'active'
  const details = await renderDetails([
    ['Endpoint', awake.endpoint_id],
    ['Branch', awake.branch_name],
    ['State', stateOf(awake)],
    ['Suspends', suspendsOf(awake)],
    ['Awake for', isUp && awake.awake.length === 0 ? 'nothing' : undefined],
    ...awake.awake.map((reason): [string, string] => ['Awake for', describeReason(reason)]),
    ['Not woken by', awake.quiet_applications.join(', ')],
  ])
  const parts = [details]
  if (awake.sessions.length > 0) parts.push(await sessionTable(awake.sessions))
  if (awake.events.length > 0) parts.push(await eventTable(awake))
  return parts.join('\n\n')
}

function stateOf({ current_state, started_at, ...awake }: EndpointAwake): string {
  if (current_state !== 'active') return current_state
  const units = `${(awake.compute_unit_seconds / 3600).toFixed(2)} CU-hours`
  const state = awake.frozen ? 'frozen' : 'active'
  return `${state}, woke ${formatTime(started_at)}, ${units}, ${formatMoney(awake.cost, awake.currency)}`
}

function suspendsOf({ suspend_timeout_seconds: timeout, suspend_at }: EndpointAwake): string {
  if (timeout < 0) return 'never'
  const after = `after ${formatSuspendTimeout(timeout)} without activity`
  const isAhead = suspend_at !== undefined && Date.parse(suspend_at) > Date.now()
  return isAhead ? `${after}: ${formatTime(suspend_at)} if nothing happens` : after
}

/** `running a query (app as role on database, from 192.0.2.1), since 3 min ago`. */
function describeReason(reason: AwakeReason): string {
  const who = whoOf(reason)
  const what = [reason.detail, reason.slot_name && `slot ${reason.slot_name}`]
  const inside = [who, ...what].filter(Boolean).join(', ')
  const since = reason.since === undefined ? '' : `, ${formatTime(reason.since)}`
  const quiet = reason.quiet === true ? ', and does not count' : ''
  return `${reason.reason}${inside === '' ? '' : ` (${inside})`}${since}${quiet}`
}

type Who = Pick<AwakeReason, 'application_name' | 'role' | 'database' | 'client_address'>

function whoOf({ application_name, role, database, client_address }: Who): string {
  const name = [application_name, role].filter(Boolean).join(' as ')
  const place = [name, database].filter(Boolean).join(' on ')
  return [place, client_address].filter(Boolean).join(' from ')
}

async function sessionTable(sessions: readonly AwakeSession[]): Promise<string> {
  return renderTable<AwakeSession>(
    [
      { title: 'application', value: (one) => one.application_name },
      { title: 'role', value: (one) => one.role },
      { title: 'database', value: (one) => one.database },
      { title: 'from', value: (one) => one.client_address },
      { title: 'last active', value: (one) => formatTime(one.last_active) },
      { title: 'connected', value: (one) => formatTime(one.connected_at) },
      { title: 'counts', value: (one) => (one.quiet ? 'no' : 'yes') },
    ],
    sessions,
  )
}

const words: Readonly<Record<AwakeEvent['event'], string>> = {
  woke: 'woke',
  slept: 'slept',
  frozen: 'frozen',
  stayed_awake: 'stayed awake',
}

async function eventTable({ events, currency }: EndpointAwake): Promise<string> {
  return renderTable<AwakeEvent>(
    [
      { title: 'at', value: (one) => one.at.slice(0, 19).replace('T', ' ') },
      { title: 'event', value: (one) => words[one.event] },
      { title: 'because', value: (one) => [one.reason, one.detail].filter(Boolean).join(': ') },
      { title: 'who', value: (one) => [whoOf(one), one.via].filter(Boolean).join(', ') },
      { title: 'after', value: lengthOf },
      {
        title: 'cost',
        value: (one) => (one.cost === undefined ? undefined : formatMoney(one.cost, currency)),
      },
    ],
    events,
  )
}

const states: Readonly<Record<AwakeEvent['event'], string>> = {
  woke: 'awake',
  slept: 'asleep',
  frozen: 'frozen',
  stayed_awake: 'awake',
}

/** Of what it was before, and for how long. */
function lengthOf({ event, after = event, ...one }: AwakeEvent): string | undefined {
  if (one.duration_seconds === undefined) return undefined
  return `${formatDuration(one.duration_seconds)} ${states[after]}`
}
