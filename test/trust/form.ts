import { env } from 'node:process'

/**
 * Of the suite there is a short form, a part of `npm test`, and a long one for a person with an hour;
 * `run.ts` sets these.
 */
export const isLong = env['COPPICE_TRUST'] === 'long'

/** The short form runs the same each time, so that a failure is of the change that is tested. */
export const seed = Number(env['COPPICE_TRUST_SEED'] ?? (isLong ? Date.now() % 1_000_000 : 1))

/** How long a part goes on that could go on for ever. */
export function durationMs(short: { seconds: number }, long: { minutes: number }): number {
  const minutes = Number(env['COPPICE_TRUST_MINUTES'] ?? long.minutes)
  return isLong ? minutes * 60_000 : short.seconds * 1000
}
