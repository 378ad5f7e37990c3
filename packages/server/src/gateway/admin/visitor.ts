/** Who is at the console, and what that lets them see and do. */
import { ClientError } from '../errors.ts'
import type { PoolKey } from '../pool/lease.ts'
import type { PoolAdmin, PoolFilter } from '../pool/report.ts'
import { consoleStates } from './answers.ts'

export interface Visitor {
  /** Theirs alone is shown; undefined for the administrator, who sees all. */
  endpointId?: string | undefined
  /** Whether they may do more than SHOW. */
  canAct: boolean
}

/** The database that opens the console. */
export const consoleDatabase = 'pgbouncer'

/** What the visitor calls a database: the administrator sees those of all endpoints. */
export function databaseName(visitor: Visitor, { endpointId, database }: PoolKey): string {
  return visitor.endpointId === undefined ? `${endpointId}/${database}` : database
}

/** Throws ClientError where the visitor may only look. */
export function requireAdministrator(visitor: Visitor): void {
  if (visitor.canAct) return
  throw new ClientError(
    consoleStates.notPermitted,
    'admin access needed: this login may only SHOW; log in to the database pgbouncer as coppice, ' +
      'with an API key of the platform for its password and without naming an endpoint',
  )
}

/**
 * The pools that a command is for: those of the named database, else all that the visitor sees. An
 * administrator may also name a whole endpoint. Rejects with ClientError where no pool is of that name.
 */
export async function choosePools(
  visitor: Visitor,
  name: string | undefined,
  admin: Pick<PoolAdmin, 'report'>,
): Promise<PoolFilter> {
  const all = { endpointId: visitor.endpointId }
  if (name === undefined) return all
  const { pools } = await admin.report(all)
  const pool = pools.find((one) => databaseName(visitor, one) === name)
  if (pool) return { endpointId: pool.endpointId, database: pool.database }
  const isEndpoint = visitor.canAct && pools.some((one) => one.endpointId === name)
  if (isEndpoint) return { endpointId: name }
  throw new ClientError(
    consoleStates.noDatabase,
    `no such database: ${name}; SHOW DATABASES lists those that have pools`,
  )
}
