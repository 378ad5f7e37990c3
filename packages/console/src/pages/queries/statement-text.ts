import { formatMilliseconds } from '../../ui/format.ts'

/** Most statements take less than a millisecond. */
export const formatShort = (ms: number): string =>
  ms > 0 && ms < 10 ? `${ms < 0.1 ? ms.toFixed(3) : ms.toFixed(1)} ms` : formatMilliseconds(ms)

/** Whose values pg_stat_statements has taken out can be planned only for any values (PostgreSQL 16 and later). */
export const explainOf = (query: string): string =>
  /\$\d/.test(query) ? `explain (generic_plan)\n${query}` : `explain\n${query}`
