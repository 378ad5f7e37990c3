/**
 * Every error that a client of the API or of the gateway can see.
 *
 * `status` is the HTTP status, `sqlstate` the code of an ErrorResponse (PostgreSQL manual, appendix A),
 * `exit` the exit code of the CLI (1: the user can mend it, 2: the platform is at fault), `kind` the
 * label under which it is counted. docs/errors.md explains each code to users; a test keeps both equal.
 */
export const errors = {
  invalid_request: { status: 400, sqlstate: '22023', exit: 1, kind: 'user' },
  not_authenticated: { status: 401, sqlstate: '28000', exit: 1, kind: 'user' },
  not_permitted: { status: 403, sqlstate: '42501', exit: 1, kind: 'user' },
  outside_key_scope: { status: 404, sqlstate: '42501', exit: 1, kind: 'user' },
  route_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  org_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  member_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  project_not_found: { status: 404, sqlstate: '3D000', exit: 1, kind: 'user' },
  branch_not_found: { status: 404, sqlstate: '3D000', exit: 1, kind: 'user' },
  endpoint_not_found: { status: 404, sqlstate: '3D000', exit: 1, kind: 'user' },
  role_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  database_not_found: { status: 404, sqlstate: '3D000', exit: 1, kind: 'user' },
  operation_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  jwks_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  api_key_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  snapshot_not_found: { status: 404, sqlstate: '42704', exit: 1, kind: 'user' },
  outside_consumption_history: { status: 406, sqlstate: '22023', exit: 1, kind: 'user' },
  branch_exists: { status: 409, sqlstate: '42710', exit: 1, kind: 'user' },
  role_exists: { status: 409, sqlstate: '42710', exit: 1, kind: 'user' },
  jwks_exists: { status: 409, sqlstate: '42710', exit: 1, kind: 'user' },
  database_exists: { status: 409, sqlstate: '42P04', exit: 1, kind: 'user' },
  endpoint_exists: { status: 409, sqlstate: '42710', exit: 1, kind: 'user' },
  not_recoverable: { status: 409, sqlstate: '55000', exit: 1, kind: 'user' },
  password_not_stored: { status: 412, sqlstate: '55000', exit: 1, kind: 'user' },
  branch_is_default: { status: 422, sqlstate: '55006', exit: 1, kind: 'user' },
  branch_is_protected: { status: 422, sqlstate: '55006', exit: 1, kind: 'user' },
  branch_has_children: { status: 422, sqlstate: '55006', exit: 1, kind: 'user' },
  branch_not_ready: { status: 422, sqlstate: '55000', exit: 1, kind: 'user' },
  outside_history: { status: 422, sqlstate: '22023', exit: 1, kind: 'user' },
  role_owns_objects: { status: 422, sqlstate: '2BP01', exit: 1, kind: 'user' },
  not_available: { status: 422, sqlstate: '0A000', exit: 1, kind: 'user' },
  endpoint_disabled: { status: 422, sqlstate: '57P03', exit: 1, kind: 'user' },
  quota_exceeded: { status: 422, sqlstate: '53400', exit: 1, kind: 'limit' },
  limit_reached: { status: 422, sqlstate: '53400', exit: 1, kind: 'limit' },
  project_locked: { status: 423, sqlstate: '55006', exit: 1, kind: 'user' },
  too_many_requests: { status: 429, sqlstate: '53300', exit: 1, kind: 'limit' },
  internal: { status: 500, sqlstate: 'XX000', exit: 2, kind: 'service' },
  compute_start_failed: { status: 503, sqlstate: '57P03', exit: 2, kind: 'compute' },
  host_full: { status: 503, sqlstate: '53300', exit: 1, kind: 'limit' },
  store_unavailable: { status: 503, sqlstate: '57P03', exit: 2, kind: 'service' },
  s3_unavailable: { status: 503, sqlstate: '58030', exit: 1, kind: 'service' },
  pool_full: { status: 507, sqlstate: '53100', exit: 1, kind: 'limit' },
} as const

export type ErrorCode = keyof typeof errors
