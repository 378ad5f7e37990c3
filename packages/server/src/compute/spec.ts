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
  /** Settings of the user, over ours. */
  pgSettings: Record<string, string>
  /** Seconds without activity before suspend; -1 never. */
  suspendTimeoutSeconds: number
  disabled: boolean
  /** Addresses, CIDR blocks and ranges that clients may come from; empty where they may from anywhere. */
  allowedIps: readonly string[]
  /** Of the pooler, as `readPoolSettings` takes them: the endpoint's over its project's. */
  poolerSettings: Readonly<Record<string, string>>
  /** Whether the WAL is written for logical decoding, and roles may read it. */
  logicalReplication: boolean
  /** The line of history that its WAL is kept for; empty where none is kept. */
  historyLine: string
  /** A standby that nothing is sent to: it answers questions and takes no changes. */
  isStandby: boolean
  /** For people and logs: which project and branch this is. Not interpreted here. */
  labels: Record<string, string>
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
