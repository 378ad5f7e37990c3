/** The headers that say how queries are to be run and their results written. */
import type { IncomingHttpHeaders } from 'node:http'

import { isOff } from '../wake-option.ts'
import { RequestError } from './failures.ts'

export interface SqlOptions {
  /** Values as PostgreSQL's texts; else as JSON. */
  rawText: boolean
  /** Rows as arrays; else as objects. A query's own `arrayMode` goes first. */
  arrayMode: boolean
  transaction: TransactionOptions
}

export interface WakeOption {
  /** Whether the request is neither to wake the compute nor to keep it awake. */
  quiet: boolean
}

/** Of the transaction that a batch runs in. */
export interface TransactionOptions {
  isolationLevel: IsolationLevel | undefined
  readOnly: boolean
  deferrable: boolean
}

/** The header's values, and SQL's words. */
const isolationLevels = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
} as const

export type IsolationLevel = keyof typeof isolationLevels

/** Throws RequestError for an isolation level that there is not. */
export function readSqlOptions(headers: IncomingHttpHeaders): SqlOptions & WakeOption {
  const isSet = (name: string) => headers[name] === 'true'
  return {
    rawText: isSet('neon-raw-text-output'),
    arrayMode: isSet('neon-array-mode'),
    transaction: {
      isolationLevel: readIsolationLevel(headers['neon-batch-isolation-level']),
      readOnly: isSet('neon-batch-read-only'),
      deferrable: isSet('neon-batch-deferrable'),
    },
    quiet: readWake(headers['coppice-wake']),
  }
}

function readWake(value: string | string[] = 'on'): boolean {
  try {
    return isOff(String(value))
  } catch {
    // The one thing that it throws for.
    throw new RequestError(400, 'coppice-wake is on or off')
  }
}

function readIsolationLevel(value: string | string[] | undefined): IsolationLevel | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && Object.hasOwn(isolationLevels, value)) {
    return value as IsolationLevel
  }
  throw new RequestError(400, 'invalid isolation level')
}

export function beginStatement({
  isolationLevel,
  readOnly,
  deferrable,
}: TransactionOptions): string {
  const words = ['BEGIN']
  if (isolationLevel) words.push(`ISOLATION LEVEL ${isolationLevels[isolationLevel]}`)
  if (readOnly) words.push('READ ONLY')
  if (deferrable) words.push('DEFERRABLE')
  return words.join(' ')
}

/** Said again in the answer to a batch. */
export function batchHeaders(options: TransactionOptions): [name: string, value: string][] {
  const headers: [string, string][] = []
  if (options.isolationLevel) headers.push(['Neon-Batch-Isolation-Level', options.isolationLevel])
  if (options.readOnly) headers.push(['Neon-Batch-Read-Only', 'true'])
  if (options.deferrable) headers.push(['Neon-Batch-Deferrable', 'true'])
  return headers
}
