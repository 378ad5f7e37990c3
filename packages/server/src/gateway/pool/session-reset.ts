/** Taking from a server session all that a client may have left in it, whether anybody has seen it or not. */
import { randomInt } from 'node:crypto'

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

/** `randomInt` gives less than this. */
const seeds = 2 ** 47

/**
 * The text of one Query, after which a session has these variables and nothing else that was made in it.
 * What the next one draws at random is not for the last one to know either.
 */
export function resetQuery(variables: ReadonlyMap<string, string>): string {
  const seed = `select pg_catalog.setseed(${randomInt(seeds) / seeds})`
  const settings = transition(new Map(), variables)
  return [...discards, seed, ...(settings === undefined ? [] : [settings])].join('; ')
}
