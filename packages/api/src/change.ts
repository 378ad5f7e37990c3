/** The tables of the store whose changes are told. */
export type ChangeKind =
  | 'projects'
  | 'branches'
  | 'endpoints'
  | 'operations'
  | 'roles'
  | 'databases'
  | 'snapshots'
  | 'rehearsals'
  | 'saved_queries'

/**
 * An event of `GET /events`: that something has changed, and where. What it is now says the API. A stream
 * also carries `ready`, when it has begun and whenever changes may have been missed.
 */
export interface Change {
  kind: ChangeKind
  project_id?: string
  branch_id?: string
  endpoint_id?: string
  operation_id?: string
  /** Of an operation. */
  action?: string
  status?: string
}

/** Below the API's base path. Server-sent events (HTML standard, section 9.2), so no row of `urls`. */
export const eventsUrl = '/events'
