import type { ComputeHost } from '../compute/host.ts'
import { hashApiKey } from '../control/http/auth.ts'
import { findApiKey } from '../control/store/api-keys.ts'
import type { Store } from '../control/store/store.ts'
import { isOfThePast, type TimeTravel } from '../control/time-travel.ts'
import type { ControlPlane } from '../gateway/control-plane.ts'
import { AppError } from '../lib/errors.ts'

/**
 * What the gateway asks, answered by the host alone: a compute is found, checked and woken while the
 * store is slow or down. The platform's administrator is let in by the store.
 */
export function createControlPlane(
  host: ComputeHost,
  store: Store,
  timeTravel: TimeTravel,
): ControlPlane {
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
      const compute = isOfThePast(endpointId)
        ? await timeTravel.findCompute(endpointId)
        : host.get(endpointId)
      if (compute === undefined) return undefined
      const { disabled, allowedIps, poolerSettings, logicalReplication } = compute.spec
      return { endpointId, disabled, allowedIps, poolerSettings, logicalReplication }
    },
    findVerifier: async (endpointId, role) => {
      const compute = isOfThePast(endpointId)
        ? await timeTravel.findCompute(endpointId)
        : host.get(endpointId)
      return compute?.verifier(role)
    },
    wake: async (endpointId) =>
      isOfThePast(endpointId) ? timeTravel.wake(endpointId) : require(endpointId).wake(),
    openSession: (session) =>
      isOfThePast(session.endpointId)
        ? timeTravel.openSession(session)
        : require(session.endpointId).openSession(session),
    isAdminKey: async (key) => (await findApiKey(store, hashApiKey(key))) !== undefined,
  }
}
