import type { ComputeHost } from '../compute/host.ts'
import { findApiKey } from '../control/store/api-keys.ts'
import type { Store } from '../control/store/store.ts'
import type { ControlPlane } from '../gateway/control-plane.ts'
import { AppError } from '../lib/errors.ts'
import { hashApiKey } from '../lib/passwords.ts'

/**
 * What the gateway asks, answered by the host alone: a compute is found, checked and woken while the
 * store is slow or down. The platform's administrator is let in by the store.
 */
export function createControlPlane(host: ComputeHost, store: Store): ControlPlane {
  const require = (endpointId: string) => {
    const compute = host.get(endpointId)
    if (compute === undefined) {
      throw new AppError(
        'endpoint_not_found',
        'Control plane request failed: endpoint cannot be found',
      )
    }
    return compute
  }
  return {
    findEndpoint: async (endpointId) => {
      const compute = host.get(endpointId)
      if (compute === undefined) return undefined
      const { disabled, allowedIps, blockPublicConnections, poolerSettings, logicalReplication } =
        compute.spec
      return {
        endpointId,
        disabled,
        allowedIps,
        blockPublicConnections,
        poolerSettings,
        logicalReplication,
      }
    },
    findVerifier: async (endpointId, role) => host.get(endpointId)?.verifier(role),
    wake: async (endpointId) => require(endpointId).wake(),
    openSession: (session) => require(session.endpointId).openSession(session),
    isAdminKey: async (key) => {
      const found = await findApiKey(store, hashApiKey(key))
      // The console shows every project's clients: nothing for the key of one.
      return found !== undefined && found.project_id === null
    },
  }
}
