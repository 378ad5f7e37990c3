import type { Static, TObject, TSchema } from 'typebox'

/** One endpoint of the HTTP API, as data: the server mounts it and the clients call it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Below the API's base path (`/api/v2`), with `:name` parameters. */
  readonly url: string
  readonly summary: string
  readonly tag: string
  readonly path?: TObject
  readonly query?: TObject
  readonly body?: TSchema
  readonly status: 200 | 201 | 202 | 204
  readonly response: TSchema
}

type InputPart = 'path' | 'query' | 'body'

/** What a caller passes: `{ path, query, body }`, each only where the route has it. */
export type RouteInput<R extends Route> = {
  [P in InputPart as R[P] extends TSchema ? P : never]: R[P] extends TSchema ? Static<R[P]> : never
}

/** What the route answers. */
export type RouteOutput<R extends Route> = Static<R['response']>

/** Keeps the literal types of a route definition. */
export const route = <const R extends Route>(definition: R): R => definition
