import { kinds } from '../../packages/server/src/control/operations/kinds.ts'

/** A place where an operation can be cut off, by its failpoint. */
export interface Point {
  action: string
  point: string
}

/**
 * Every such place, enumerated from the code: a new step is covered by itself. Nothing is between the end of
 * a step and the beginning of the next, so that only the first has a place before it.
 */
export const points: Point[] = Object.entries(kinds).flatMap(([action, { steps }]) => [
  { action, point: `${action}:${steps[0]?.name}:before` },
  ...steps.map((step) => ({ action, point: `${action}:${step.name}:after` })),
])
