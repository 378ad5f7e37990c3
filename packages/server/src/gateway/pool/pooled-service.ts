import type { PooledService } from '../authenticated-session.ts'
import type { CancelKeys } from '../cancel.ts'
import type { Pools } from './pools.ts'
import { startupVariables } from './startup-variables.ts'

/** The pools as the gateway's sessions use them: clients that have logged in become theirs. */
export function createPooledService(pools: Pools, cancelKeys: CancelKeys): PooledService {
  return {
    serve: async ({ stream, startup, login, clientAddress, clientPort, via }) =>
      pools.serve(
        {
          endpointId: login.endpointId,
          database: startup.database,
          role: startup.user,
          keys: login.keys,
          variables: startupVariables(startup.forwarded),
          clientAddress,
          clientPort,
          quiet: startup.quiet,
          via: via ?? 'wire',
          stream,
        },
        cancelKeys,
      ),
    drain: () => pools.drain(),
    shutDown: () => pools.shutDown(),
  }
}
