import { type Static, type TNumber, Type } from 'typebox'

import { EndpointType } from './endpoint.ts'
import { computeFigures, type Figure, platformFigures } from './figures.ts'
import { Id, Timestamp } from './ids.ts'

function sampleOf<Name extends string>(figures: Record<Name, Figure>) {
  const names = Object.keys(figures) as Name[]
  const properties = Object.fromEntries(names.map((name) => [name, Type.Number()]))
  // An entry for each name.
  return Type.Object({ at: Timestamp, ...(properties as Record<Name, TNumber>) })
}

/** The time from `at` on, for as long as the answer's `step_seconds`. */
export const ComputeSample = sampleOf(computeFigures)
export type ComputeSample = Static<typeof ComputeSample>

export const PlatformSample = sampleOf(platformFigures)
export type PlatformSample = Static<typeof PlatformSample>

/** The range that an answer is of. */
export const MetricsRange = {
  from: Timestamp,
  to: Timestamp,
  /** At least what was asked for: what is old is kept in longer steps. */
  step_seconds: Type.Integer(),
}

export const MetricsQuery = Type.Object({
  /** An hour before `to` unless given. */
  from: Type.Optional(Timestamp),
  /** Now unless given. */
  to: Type.Optional(Timestamp),
  /** As long as makes some hundred steps of the range unless given. */
  step: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
})
export type MetricsQuery = Static<typeof MetricsQuery>

export const EndpointMetrics = Type.Object({
  endpoint_id: Id,
  type: EndpointType,
  /** Oldest first. While it sleeps it has none. */
  samples: Type.Array(ComputeSample),
})
export type EndpointMetrics = Static<typeof EndpointMetrics>
