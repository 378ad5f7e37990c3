/** Taking from a server session all that a client may have left in it, whether anybody has seen it or not. */
import { transition } from './session-variables.ts'

/**
 * What DISCARD ALL does (manual, "DISCARD"), but for the plans of functions and constraints, which tell
 * nobody anything and would be made anew with every request.
 */
const discards = [
  'close all',
  'reset session authorization',
  'reset all',
  'deallocate all',
  'unlisten *',
  'select pg_catalog.pg_advisory_unlock_all()',
  'discard temp',
  'discard sequences',
]

/** Between -1 and 1, by the server: in a text all sessions of the role could read it, in pg_stat_activity. */
const seed =
  'pg_catalog.hashtextextended(pg_catalog.gen_random_uuid()::pg_catalog.text, 0)::pg_catalog.float8' +
  ' operator(pg_catalog./) 9223372036854775808'

/**
 * The text of one Query, after which a session has these variables and nothing else that was made in it.
 * What the next one draws at random is not for the last one to know either.
 */
export function resetQuery(variables: ReadonlyMap<string, string>): string {
  const settings = transition(new Map(), variables)
  return [
    ...discards,
    `select pg_catalog.setseed(${seed})`,
    ...(settings === undefined ? [] : [settings]),
  ].join('; ')
}
