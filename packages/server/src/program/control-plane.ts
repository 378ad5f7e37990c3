import type { ComputeHost } from '../compute/host.ts'
import type { ControlPlane } from '../gateway/control-plane.ts'
import { AppError } from '../lib/errors.ts'

/**
 * What the gateway asks, answered by the host alone: a compute is found, checked and woken while the
 * store is slow or down.
 */
export function createControlPlane(host: ComputeHost): ControlPlane {
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
      return compute && { endpointId, disabled: compute.spec.disabled }
    },
    findVerifier: async (endpointId, role) => host.get(endpointId)?.verifier(role),
    wake: async (endpointId) => require(endpointId).wake(),
    openSession: (session) => require(session.endpointId).openSession(session),
  }
}
