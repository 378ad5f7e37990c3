import type { PooledService } from '../authenticated-session.ts'
import type { CancelKeys } from '../cancel.ts'
import type { Lender } from './lease.ts'
import { createPooledService } from './pooled-service.ts'
import { Pools, type PoolsContext } from './pools.ts'
import type { PoolAdmin } from './report.ts'

/** What the pools of one process do, by whom it is done for. */
export interface OpenPools {
  /** Clients of the wire protocol. */
  service: PooledService
  /** Requests over HTTP. */
  lender: Lender
  /** The console and the API. */
  admin: PoolAdmin
  close(): Promise<void>
}

export function openPools(context: PoolsContext, cancelKeys: CancelKeys): OpenPools {
  const pools = new Pools(context)
  return {
    service: createPooledService(pools, cancelKeys),
    lender: pools,
    admin: pools,
    close: async () => pools.close(),
  }
}
