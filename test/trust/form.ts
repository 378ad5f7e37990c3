import { env } from 'node:process'

/**
 * Of the suite there is a short form, a part of `npm test`, and a long one for a person with an hour;
 * `run.ts` sets these.
 */
export const isLong = env['COPPICE_TRUST'] === 'long'

/** The short form runs the same each time, so that a failure is of the change that is tested. */
export const seed = Number(env['COPPICE_TRUST_SEED'] ?? (isLong ? Date.now() % 1_000_000 : 1))

const minutes = env['COPPICE_TRUST_MINUTES']
const startMs = performance.now()

/** Whether a part that has an end of its own is to end before it: of a long form that was given minutes. */
export const isTimeUp = (): boolean =>
  isLong && minutes !== undefined && performance.now() - startMs > Number(minutes) * 60_000

/** How long a part goes on that could go on for ever. */
export function durationMs(short: { seconds: number }, long: { minutes: number }): number {
  return isLong ? Number(minutes ?? long.minutes) * 60_000 : short.seconds * 1000
}
