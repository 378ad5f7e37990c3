import type {
  ComputeAddress,
  ControlPlane,
  EndpointAccess,
  SessionDetails,
} from '../gateway/control-plane.ts'
import type { ThrowawayPostgres } from './throwaway-postgres.ts'

/** A session as the gateway has reported it. */
export interface RecordedSession extends SessionDetails {
  touches: number
  isListening: boolean
  /** How often `end` was called: once, in the end. */
  ends: number
}

export interface FakeControlPlane extends ControlPlane {
  /** Endpoints that exist. */
  readonly endpoints: Map<string, EndpointAccess>
  /** Ids that `wake` was called with. */
  readonly wakes: string[]
  readonly sessions: RecordedSession[]
  /** What `wake` does before it answers; throw to refuse. */
  beforeWake: () => Promise<void>
  /** What `findVerifier` answers instead of asking PostgreSQL. */
  verifierOverride: string | undefined
  /** Where computes are said to be. */
  address: ComputeAddress
  /** Bytes that were counted, by endpoint. */
  readonly sent: Map<string, number>
  /** API keys of the platform. */
  readonly adminKeys: Set<string>
}

/** A control plane of one compute, the given PostgreSQL, whose own roles and verifiers count. */
export function createFakeControlPlane(
  postgres: ThrowawayPostgres,
  endpointIds: readonly string[],
): FakeControlPlane {
  const fake: FakeControlPlane = {
    endpoints: new Map(endpointIds.map((endpointId) => [endpointId, openAccess(endpointId)])),
    wakes: [],
    sessions: [],
    beforeWake: async () => undefined,
    verifierOverride: undefined,
    address: { socketPath: postgres.socketPath },
    sent: new Map(),
    adminKeys: new Set(),

    findEndpoint: async (endpointId) => fake.endpoints.get(endpointId),

    countSent: (endpointId, bytes) => {
      fake.sent.set(endpointId, (fake.sent.get(endpointId) ?? 0) + bytes)
    },

    jwksFor: async () => [],

    prepareTokens: async () => {
      throw new Error('no tokens are taken here')
    },

    isAdminKey: async (key) => fake.adminKeys.has(key),

    findVerifier: async (_endpointId, role) => {
      if (fake.verifierOverride !== undefined) return fake.verifierOverride
      const [row] = await postgres.sql<{ rolpassword: string | null }>(
        'select rolpassword from pg_authid where rolname = $1 and rolcanlogin',
        [role],
      )
      return row?.rolpassword ?? undefined
    },

    wake: async (endpointId) => {
      fake.wakes.push(endpointId)
      await fake.beforeWake()
      return fake.address
    },

    openSession: (details) => {
      const session: RecordedSession = { ...details, touches: 0, isListening: false, ends: 0 }
      fake.sessions.push(session)
      return {
        touch: () => {
          session.touches++
        },
        setListening: (isListening) => {
          session.isListening = isListening
        },
        setBackend: () => undefined,
        end: () => {
          session.ends++
        },
      }
    },
  }
  return fake
}

/** An endpoint that everybody may use for everything. */
export function openAccess(endpointId: string): EndpointAccess {
  return {
    endpointId,
    dataDirectory: '/pool/br-fake/pgdata',
    disabled: false,
    blockedBecause: '',
    allowedIps: [],
    poolerSettings: {},
    logicalReplication: true,
    blockPublicConnections: false,
    quietApplications: [],
  }
}
