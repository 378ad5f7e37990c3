import { join } from 'node:path'

import type { Cli } from './cli.ts'
import type { BranchScope } from './context.ts'
import { CliError } from './errors.ts'
import { readEnd } from './log-file.ts'
import { findPlatform } from './platform.ts'
import {
  type LogRecord,
  parsePostgresLog,
  severities,
  severityOf,
  type Severity,
} from './postgres-log.ts'

export interface LogFilter {
  /** Milliseconds since 1970: from `startMs` up to and without `endMs`. */
  startMs: number
  endMs: number
  minimumSeverity?: Severity | undefined
  severityText?: string | undefined
  bodyContains?: string | undefined
}

/** How much of the end of each log is looked at. */
const logMaxBytes = 64 * 1024 * 1024

/** What the computes of a branch have logged, oldest first. They are files of the platform's machine. */
export async function readBranchLogs(
  cli: Cli,
  { client, path }: BranchScope,
  filter: LogFilter,
): Promise<LogRecord[]> {
  const platform = await findPlatform(cli)
  if (!platform) {
    throw new CliError('Logs are files of the machine that the platform runs on.', {
      advice: 'Run this there; with --home, if it does not find them.',
    })
  }
  const { endpoints } = await client.listProjectBranchEndpoints({ path })
  const records: LogRecord[] = []
  for (const { id, branch_id: branchId } of endpoints) {
    const file = join(platform.home, 'computes', id, 'postgres.log')
    const text = await readEnd(file, logMaxBytes)
    const attributes = { endpoint_id: id, branch_id: branchId }
    records.push(...parsePostgresLog(text ?? '', attributes).filter(passes(filter)))
  }
  return records.toSorted((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
}

function passes(filter: LogFilter): (record: LogRecord) => boolean {
  const { startMs, endMs, minimumSeverity, severityText, bodyContains } = filter
  const lowest = minimumSeverity === undefined ? 0 : severities.indexOf(minimumSeverity)
  return (record) => {
    const atMs = Date.parse(record.timestamp)
    return (
      atMs >= startMs &&
      atMs < endMs &&
      severities.indexOf(severityOf(record)) >= lowest &&
      (severityText === undefined || record.severity_text === severityText) &&
      (bodyContains === undefined || record.message.includes(bodyContains))
    )
  }
}
