import type { GatewayReport } from '../pool/report.ts'
import type { PoolSettings } from '../pool/settings.ts'
import type { Snapshot } from './statistics.ts'
import type { Visitor } from './visitor.ts'

/** All that the tables of the console are made of, as of one moment. */
export interface ConsoleState {
  visitor: Visitor
  /** What the visitor may see, and nothing else. */
  report: GatewayReport
  /** Of the visitor's endpoint; the defaults for the administrator. */
  settings: PoolSettings
  /** What averages are counted from. */
  base: Snapshot
  /** By `performance.now()`. */
  now: number
  /** Coppice's. */
  version: string
}
