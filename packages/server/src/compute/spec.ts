import { defaultLibraries } from './preload-libraries.ts'

/** What a compute is started from. Kept next to the compute, so that it starts while the store is down. */
export interface ComputeSpec {
  endpointId: string
  /** PostgreSQL's data directory. */
  dataDirectory: string
  /** Major version: 14 to 18. */
  pgVersion: number
  /** 1 CU is one vCPU and 4 GB. */
  minComputeUnits: number
  maxComputeUnits: number
  /** The compute that it shares with others, whose size this is; empty where it has its own. */
  sharedCompute: string
  /** Settings of the user, over ours. */
  pgSettings: Record<string, string>
  /** Seconds without activity before suspend; -1 never. */
  suspendTimeoutSeconds: number
  disabled: boolean
  /** Why it may not run at the moment, for people; empty where it may. */
  blockedBecause: string
  /** Whether transactions are read-only unless they ask otherwise; takes effect at once. */
  readOnly: boolean
  /** Addresses, CIDR blocks and ranges that clients may come from; empty where they may from anywhere. */
  allowedIps: readonly string[]
  /** Of the pooler, as `readPoolSettings` takes them: the endpoint's over its project's. */
  poolerSettings: Readonly<Record<string, string>>
  /** Whether the WAL is written for logical decoding, and roles may read it. */
  logicalReplication: boolean
  /** The line of history that its WAL is kept for; empty where none is kept. */
  historyLine: string
  /** A standby: it answers questions and takes no changes. */
  isStandby: boolean
  /** The endpoint whose changes a standby follows, and whose roles decide who may log in; else empty. */
  follows: string
  /** Whose tokens clients may show instead of a password, and as which roles. */
  jwks: readonly JwksSource[]
  /** Loaded as PostgreSQL starts. */
  preloadLibraries: readonly string[]
  /** Whether clients from other machines are refused, whatever `allowedIps` says. */
  blockPublicConnections: boolean
  /** Application names of clients that neither wake it nor keep it awake. */
  quietApplications: readonly string[]
  /** For people and logs: which project and branch this is. Not interpreted here. */
  labels: Record<string, string>
}

/** Of a compute that is for nobody in particular; what differs is said over it. */
export const plainSpec = {
  minComputeUnits: 1,
  maxComputeUnits: 1,
  sharedCompute: '',
  pgSettings: {},
  suspendTimeoutSeconds: -1,
  disabled: false,
  blockedBecause: '',
  readOnly: false,
  allowedIps: [],
  poolerSettings: {},
  logicalReplication: false,
  historyLine: '',
  isStandby: false,
  follows: '',
  jwks: [],
  preloadLibraries: defaultLibraries,
  blockPublicConnections: false,
  quietApplications: [],
  labels: {},
} satisfies Partial<ComputeSpec>

/** Where the keys of a token issuer are, and what its tokens are for. */
export interface JwksSource {
  /** https. */
  jwksUrl: string
  /** Empty for Neon's default: authenticator, authenticated, anonymous. */
  roleNames: readonly string[]
  /** The audience that tokens must be for; undefined where any will do. */
  audience?: string | undefined
  /** Where they are for one branch only. */
  branchId?: string | undefined
}

/** The roles and databases of a cluster, as last read from it. */
export interface ClusterCatalog {
  readAt: string
  roles: CatalogRole[]
  databases: CatalogDatabase[]
}

export interface CatalogRole {
  name: string
  /** `pg_authid.rolpassword`, or null. */
  verifier: string | null
  canLogin: boolean
}

export interface CatalogDatabase {
  name: string
  owner: string
  sizeBytes: number
}
