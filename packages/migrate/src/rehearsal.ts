import type { Finding } from './lint.ts'
import type { LoadReport } from './load.ts'
import type { PlanChange } from './plans.ts'

/** What a rehearsal has seen. Times are in milliseconds, sizes in bytes. */
export interface Rehearsal {
  /** The branch that it ran on; it is gone unless `kept`. */
  branch: string
  source: string
  kept: boolean
  files: FileReport[]
  plans: PlanChange[]
  /** How many of the recorded queries could be planned before and after. */
  plans_compared: number
  findings: Finding[]
  load: LoadReport | null
  /** The statement that failed, with its place. */
  error: string | null
}

export interface FileReport {
  name: string
  transactional: boolean
  duration_ms: number
  statements: StatementReport[]
}

export interface StatementReport {
  line: number
  sql: string
  /** PostgreSQL's word for it: `ALTER TABLE`. */
  command: string
  duration_ms: number
  /** By its command tag; null where that has no number. */
  rows: number | null
  wal_bytes: number
  /** By which the database grew, before what it replaces is given back at the commit. */
  disk_bytes: number
  /** On tables that were there before, the strongest of each. */
  locks: LockReport[]
  rewritten: SizedRelation[]
  indexes_built: SizedRelation[]
  /** Tables that were read from end to end. */
  scanned: string[]
}

export interface LockReport {
  relation: string
  mode: string
  /** Until the end of its transaction. */
  held_ms: number
  holds_up: string
}

export interface SizedRelation {
  relation: string
  bytes: number
}
