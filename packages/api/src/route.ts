import type { Static, TObject, TSchema } from 'typebox'

import type { ErrorCode } from './errors.ts'
import { type Method, methodAndUrl, type RouteName } from './urls.ts'

/** What an endpoint takes and answers, as schemas: the server checks them, the clients' types follow. */
export interface RouteSchemas {
  readonly summary: string
  readonly tag: string
  readonly path?: TObject
  readonly query?: TObject
  readonly body?: TSchema
  readonly status: 200 | 201 | 202 | 204
  readonly response: TSchema
  /** The error that is answered with 204 and no body: Neon's deletions of what is not there (any more). */
  readonly absent?: ErrorCode
  /** Answered with any number of `response`, one a line (application/x-ndjson), while it goes on. */
  readonly lines?: true
}

/** One endpoint of the HTTP API, as data. */
export interface Route extends RouteSchemas {
  readonly method: Method
  /** With `:name` parameters. */
  readonly url: string
}

type InputPart = 'path' | 'query' | 'body'

/** What a caller passes: `{ path, query, body }`, each only where the route has it. */
export type RouteInput<R extends Route> = {
  [P in InputPart as R[P] extends TSchema ? P : never]: R[P] extends TSchema ? Static<R[P]> : never
}

/** What the route answers; undefined for 204. */
export type RouteOutput<R extends Route> =
  | (R extends { lines: true } ? AsyncIterable<Static<R['response']>> : Static<R['response']>)
  | (R extends { absent: ErrorCode } ? undefined : never)

/** Joins an endpoint's schemas with its place, keeping their literal types. */
export const route = <const S extends RouteSchemas>(
  name: RouteName,
  schemas: S,
): S & { method: Method; url: string } => ({ ...schemas, ...methodAndUrl(name) })
