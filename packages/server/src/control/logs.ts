import type { LogFieldValuesQuery, LogRecord, LogsQuery } from '@coppice/api'

import type { Compute } from '../compute/compute.ts'
import { type PostgresLogRecord, readLogRecords } from '../compute/log-records.ts'
import type { Context } from './context.ts'
import { type LogField, logFieldOf, logFields } from './logql.ts'
import {
  comparePlaces,
  decodeLogCursor,
  encodeLogCursor,
  invalid,
  logFilter,
  type LogPlace,
  type LogWindow,
  logWindow,
} from './logs-query.ts'
import { requireBranch } from './lookups.ts'
import { listBranchEndpoints } from './store/endpoints.ts'
import { hourMs } from './usage-period.ts'

/**
 * The PostgreSQL logs of a branch's computes, read from the files that these keep: the last eight to
 * sixteen megabytes of each. Nothing is indexed, and nothing is woken.
 */

const defaultRecords = 100
const defaultValues = 100

/** OpenTelemetry's numbers of PostgreSQL's severities. */
const severityNumbers: Record<string, number> = {
  DEBUG5: 1,
  DEBUG4: 2,
  DEBUG3: 3,
  DEBUG2: 4,
  DEBUG1: 5,
  LOG: 9,
  INFO: 9,
  NOTICE: 10,
  WARNING: 13,
  ERROR: 17,
  FATAL: 21,
  PANIC: 24,
}

export interface LogPage {
  logs: LogRecord[]
  cursor: string | undefined
}

/** One page of the records that a query asks for, the newest first unless it asks otherwise. */
export async function queryLogs(
  context: Context,
  projectId: string,
  branch: string,
  query: LogsQuery,
): Promise<LogPage> {
  const { cursor } = query
  const from = cursor === undefined ? undefined : decodeLogCursor(query, cursor)
  const asked = logWindow(query, hourMs, Date.now())
  const window = from?.window ?? asked
  const isWanted = logFilter(query)
  const direction = query.sort_order === 'asc' ? 1 : -1
  const limit = query.limit ?? defaultRecords
  const found: { place: LogPlace; record: LogRecord }[] = []
  await eachRecord(context, projectId, branch, window, (record, place) => {
    const isLater = from === undefined || comparePlaces(place, from.place) * direction > 0
    if (isLater && isWanted(record)) found.push({ place, record })
  })
  found.sort((one, other) => comparePlaces(one.place, other.place) * direction)
  const page = found.slice(0, limit)
  const last = found.length > limit ? page.at(-1) : undefined
  return {
    logs: page.map(({ record }) => record),
    cursor: last && encodeLogCursor(query, { window, place: last.place }),
  }
}

export async function listLogFields(
  context: Context,
  projectId: string,
  branch: string,
): Promise<string[]> {
  await requireBranch(context, projectId, branch)
  return [...logFields].toSorted()
}

/** The values of a field within a window, in order. */
export async function listLogFieldValues(
  context: Context,
  projectId: string,
  branch: string,
  fieldName: string,
  query: LogFieldValuesQuery,
): Promise<{ values: string[]; isTruncated: boolean }> {
  const field = logFields.find((one) => one === fieldName)
  if (field === undefined) {
    throw invalid('unknown_field', `${fieldName} is not a field; there are ${logFields.join(', ')}`)
  }
  const window = logWindow(query, 6 * hourMs, Date.now())
  const values = new Set<string>()
  await eachRecord(context, projectId, branch, window, (record) => {
    if (query.source === undefined || query.source === record.source) {
      addValue(values, record, field)
    }
  })
  const limit = query.limit ?? defaultValues
  return { values: [...values].toSorted().slice(0, limit), isTruncated: values.size > limit }
}

function addValue(values: Set<string>, record: LogRecord, field: LogField): void {
  const value = logFieldOf(record, field)
  if (value !== '') values.add(value)
}

/** One reading of a branch's logs at a time: each may have to go through megabytes. */
async function eachRecord(
  context: Context,
  projectId: string,
  idOrName: string,
  window: LogWindow,
  act: (record: LogRecord, place: LogPlace) => void,
): Promise<void> {
  const branch = await requireBranch(context, projectId, idOrName)
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  await context.locks.run(`logs ${branch.id}`, async () => {
    for (const { id } of endpoints) {
      const compute = context.host.get(id)
      if (compute) await eachOfCompute(compute, window, act)
    }
  })
}

async function eachOfCompute(
  { logFile, spec: { endpointId } }: Compute,
  { startMs, endMs }: LogWindow,
  act: (record: LogRecord, place: LogPlace) => void,
): Promise<void> {
  let place: LogPlace = { atMs: 0, entityId: endpointId, ordinal: 0 }
  for await (const record of readLogRecords(logFile)) {
    const { atMs } = record
    place = { entityId: endpointId, atMs, ordinal: atMs === place.atMs ? place.ordinal + 1 : 0 }
    if (atMs >= startMs && atMs < endMs) act(presentRecord(endpointId, record), place)
  }
}

function presentRecord(endpointId: string, record: PostgresLogRecord): LogRecord {
  const { severity, role, database } = record
  const severityNumber = severityNumbers[severity]
  return {
    timestamp: new Date(record.atMs).toISOString(),
    message: record.message,
    source: 'pg_endpoint',
    entity_id: endpointId,
    service_name: 'postgres',
    ...(severityNumber !== undefined && { severity_number: severityNumber }),
    severity_text: severity,
    attributes: {
      process_id: record.processId,
      ...(role !== undefined && { role }),
      ...(database !== undefined && { database }),
    },
  }
}
