import { describeClient } from '../compute/activity.ts'
import type { Compute } from '../compute/compute.ts'
import type { ComputeHost } from '../compute/host.ts'
import { checkObjectName } from '../compute/object-names.ts'
import { rolesOfSource } from '../compute/token-roles.ts'
import { findApiKey } from '../control/store/api-keys.ts'
import type { Store } from '../control/store/store.ts'
import { isOfThePast, type TimeTravel } from '../control/time-travel.ts'
import type { ControlPlane, WakingClient } from '../gateway/control-plane.ts'
import { quotaExceeded } from '../gateway/errors.ts'
import { withCause } from '../lib/cause.ts'
import { AppError, errorCode } from '../lib/errors.ts'
import { hashApiKey } from '../lib/passwords.ts'
import type { SecretBox } from '../lib/secret-box.ts'

/** SQLSTATE (PostgreSQL manual, appendix A). */
const noSuchDatabase = '3D000'

export interface ControlPlaneParts {
  host: ComputeHost
  store: Store
  timeTravel: TimeTravel
  secrets: SecretBox
  /** Told of bytes that have gone to clients; cheap. */
  onSent?: (endpointId: string, bytes: number) => void
}

/**
 * What the gateway asks, answered by the host alone: a compute is found, checked and woken while the
 * store is slow or down. The platform's administrator is let in by the store.
 */
export function createControlPlane({
  host,
  store,
  timeTravel,
  secrets,
  onSent,
}: ControlPlaneParts): ControlPlane {
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
      const {
        disabled,
        blockedBecause,
        allowedIps,
        blockPublicConnections,
        poolerSettings,
        logicalReplication,
        quietApplications,
      } = compute.spec
      return {
        endpointId,
        dataDirectory: compute.spec.dataDirectory,
        disabled,
        blockedBecause,
        allowedIps,
        blockPublicConnections,
        poolerSettings,
        logicalReplication,
        quietApplications,
      }
    },
    findVerifier: async (endpointId, role) => {
      const compute = isOfThePast(endpointId)
        ? await timeTravel.findCompute(endpointId)
        : host.get(endpointId)
      // A replica that sleeps does not hear of a new password.
      const authority = compute && (host.get(compute.spec.follows) ?? compute)
      return authority?.verifier(role)
    },
    wake: async (endpointId, client) => {
      if (isOfThePast(endpointId)) return timeTravel.wake(endpointId)
      const compute = require(endpointId)
      if (compute.spec.blockedBecause !== '') throw quotaExceeded(compute.spec.blockedBecause)
      if (client === undefined) return compute.wake()
      if (isQuiet(compute, client)) return compute.joinIfAwake()
      const cause = { reason: 'client', ...describeClient(client), via: client.via }
      return withCause(cause, async () => compute.wake())
    },
    openSession: (session) => {
      if (isOfThePast(session.endpointId)) return timeTravel.openSession(session)
      const compute = require(session.endpointId)
      return compute.openSession({ ...session, quiet: isQuiet(compute, session) })
    },
    countSent: (endpointId, bytes) => {
      host.get(endpointId)?.usage.countSent(bytes)
      onSent?.(endpointId, bytes)
    },
    jwksFor: async (endpointId) => {
      const { jwks = [], labels } = host.get(endpointId)?.spec ?? {}
      return jwks
        .filter(({ branchId }) => branchId === undefined || branchId === labels?.['branch_id'])
        .map((source) => ({ ...source, roleNames: rolesOfSource(source) }))
    },
    prepareTokens: async (endpointId, database) => {
      const compute = require(endpointId)
      // A branch's own: who owns one can read its key, and could seal claims for others with it.
      const key = secrets.derive(`tokens of branch ${compute.spec.labels['branch_id']}`)
      checkObjectName('database', database)
      try {
        const cause = { reason: 'client', detail: 'a token', database }
        await withCause(cause, async () => compute.prepareTokens(database, Buffer.from(key, 'hex')))
      } catch (error) {
        if (errorCode(error) !== noSuchDatabase) throw error
        throw new AppError('database_not_found', `database "${database}" does not exist`)
      }
      return key
    },
    isAdminKey: async (key) => {
      const found = await findApiKey(store, hashApiKey(key))
      // The console shows every project's clients: nothing for the key of one.
      return found !== undefined && found.project_id === null
    },
  }
}

/** By its own word, or by the endpoint's list. */
function isQuiet(
  { spec }: Compute,
  { quiet, applicationName }: Pick<WakingClient, 'quiet' | 'applicationName'>,
): boolean {
  return quiet || spec.quietApplications.includes(applicationName)
}
