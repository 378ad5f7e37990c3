/**
 * All that the gateway knows of the rest of the platform. Arguments and answers are plain data, so
 * that the gateway can move to a process of its own and this can become messages.
 */
export interface ControlPlane {
  /** The endpoint, or undefined where there is none. Never wakes it. */
  findEndpoint(endpointId: string): Promise<EndpointAccess | undefined>
  /**
   * The role's password as PostgreSQL stores it (`SCRAM-SHA-256$…`), current even where it was set
   * by SQL; undefined where the role does not exist, may not log in or has no SCRAM password.
   * Never wakes the compute.
   */
  findVerifier(endpointId: string, role: string): Promise<string | undefined>
  /**
   * Starts the compute where it is idle and resolves once it accepts connections. Called only after
   * authentication. Rejects with AppError, whose message may be shown: `wake_refused` where the client is
   * not to wake it.
   */
  wake(endpointId: string, client?: WakingClient): Promise<ComputeAddress>
  /** Whose tokens the endpoint takes, with the roles that they are for; empty where it takes none. */
  jwksFor(endpointId: string): Promise<readonly TokenIssuer[]>
  /**
   * Prepares a database for sessions of tokens and answers the key that their claims are sealed with, in
   * hex. Starts the compute where it is idle. Rejects with AppError, whose message may be shown.
   */
  prepareTokens(endpointId: string, database: string): Promise<string>
  /** A client is connected to the compute from now until `end()`. */
  openSession(session: SessionDetails): SessionActivity
  /** Bytes have gone to clients of the endpoint, TLS not counted. Cheap: called for every chunk. */
  countSent(endpointId: string, bytes: number): void
  /** Whether this is an API key of the platform, which lets in at the admin console. */
  isAdminKey(key: string): Promise<boolean>
}

export interface EndpointAccess {
  endpointId: string
  /** Another one after the branch was restored: what was prepared in it before is not there. */
  dataDirectory: string
  disabled: boolean
  /** Why its compute may not run at the moment, for people; empty where it may. */
  blockedBecause: string
  /** Addresses, CIDR blocks and ranges that clients may come from; empty where they may from anywhere. */
  allowedIps: readonly string[]
  /** Whether clients from other machines are refused, whatever the list says. */
  blockPublicConnections: boolean
  /** What the endpoint and its project have set of the pooler, as `readPoolSettings` takes it. */
  poolerSettings: Readonly<Record<string, string>>
  /** Whether connections for logical replication are served. */
  logicalReplication: boolean
  /** Application names of clients that neither wake the compute nor keep it awake. */
  quietApplications: readonly string[]
}

/** Who wants a compute, for the ledger of its wakes. */
export interface WakingClient {
  role: string
  database: string
  applicationName: string
  clientAddress: string
  via: 'direct' | 'pooled' | 'http'
  /** Whether it asks not to wake it. */
  quiet: boolean
}

/** Where the keys of who issues tokens are, and what the tokens are for. */
export interface TokenIssuer {
  jwksUrl: string
  roleNames: readonly string[]
  audience?: string | undefined
}

export interface ComputeAddress {
  /** The Unix socket that the postmaster listens on. */
  socketPath: string
}

export interface SessionDetails {
  endpointId: string
  role: string
  database: string
  applicationName: string
  clientAddress: string
  pooled: boolean
  /** Whether it asks not to count as activity. */
  quiet: boolean
}

/** Of a connection of a pool: who has it at the moment. */
export interface SessionUser {
  applicationName: string
  clientAddress: string
  /** Whether what it does is no activity. */
  quiet: boolean
}

export interface SessionActivity {
  /** Bytes have passed; of a connection of a pool, for whom. Cheap: called for every chunk. */
  touch(user?: SessionUser): void
  /** Whether the session waits for notifications (LISTEN): while it does, the compute stays awake. */
  setListening(isListening: boolean): void
  /** The process of the compute that serves it. */
  setBackend(pid: number): void
  end(): void
}
