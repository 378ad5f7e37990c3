import type { ComputeHost } from '../compute/host.ts'
import { checkObjectName } from '../compute/object-names.ts'
import { rolesOfSource } from '../compute/token-roles.ts'
import { hashApiKey } from '../control/http/auth.ts'
import { findApiKey } from '../control/store/api-keys.ts'
import type { Store } from '../control/store/store.ts'
import type { ControlPlane } from '../gateway/control-plane.ts'
import { AppError, errorCode } from '../lib/errors.ts'
import type { SecretBox } from '../lib/secret-box.ts'

/** SQLSTATE (PostgreSQL manual, appendix A). */
const noSuchDatabase = '3D000'

/**
 * What the gateway asks, answered by the host alone: a compute is found, checked and woken while the
 * store is slow or down. The platform's administrator is let in by the store.
 */
export function createControlPlane(
  host: ComputeHost,
  store: Store,
  secrets: SecretBox,
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
      const compute = host.get(endpointId)
      if (compute === undefined) return undefined
      const { disabled, allowedIps, poolerSettings, logicalReplication } = compute.spec
      return { endpointId, disabled, allowedIps, poolerSettings, logicalReplication }
    },
    findVerifier: async (endpointId, role) => host.get(endpointId)?.verifier(role),
    wake: async (endpointId) => require(endpointId).wake(),
    jwksFor: async (endpointId) => {
      const { jwks = [], labels } = host.get(endpointId)?.spec ?? {}
      return jwks
        .filter(({ branchId }) => branchId === undefined || branchId === labels?.['branch_id'])
        .map((source) => ({ ...source, roleNames: rolesOfSource(source) }))
    },
    prepareTokens: async (endpointId, database) => {
      const compute = require(endpointId)
      // All branches of a project share it, for each begins as a copy of another.
      const key = secrets.derive(`tokens of project ${compute.spec.labels['project_id']}`)
      checkObjectName('database', database)
      try {
        await compute.prepareTokens(database, Buffer.from(key, 'hex'))
      } catch (error) {
        if (errorCode(error) !== noSuchDatabase) throw error
        throw new AppError('database_not_found', `database "${database}" does not exist`)
      }
      return key
    },
    openSession: (session) => require(session.endpointId).openSession(session),
    isAdminKey: async (key) => (await findApiKey(store, hashApiKey(key))) !== undefined,
  }
}
