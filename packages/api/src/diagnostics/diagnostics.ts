import type { Diagnostic } from './diagnostic.ts'
import { replication, replicationSlots, subscriptions } from './replication.ts'
import {
  connections,
  locks,
  longRunningQueries,
  longTransactions,
  stalledQueries,
} from './sessions.ts'
import { bloat, databaseSizes, indexSizes, tableSizes } from './sizes.ts'
import { calls, outliers, slowQueries } from './statements.ts'
import { cacheHit, sequentialScans, unusedIndexes, vacuumStats } from './tables.ts'

/** What PostgreSQL can be asked of itself, by `coppice inspect db` in this order and by the console. */
export const diagnostics: readonly Diagnostic[] = [
  databaseSizes,
  tableSizes,
  indexSizes,
  unusedIndexes,
  sequentialScans,
  cacheHit,
  vacuumStats,
  bloat,
  connections,
  longRunningQueries,
  longTransactions,
  stalledQueries,
  locks,
  outliers,
  slowQueries,
  calls,
  replication,
  replicationSlots,
  subscriptions,
]
