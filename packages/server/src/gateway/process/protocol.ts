/** What the daemon and a gateway process say to each other; all of it plain data. */
import type {
  ComputeAddress,
  EndpointAccess,
  SessionDetails,
  SessionUser,
  TokenIssuer,
  WakingClient,
} from '../control-plane.ts'
import type { GatewayLimits } from '../limits.ts'
import type { TlsMaterial } from '../tls.ts'

/** What the daemon answers. */
export interface DaemonProcedures {
  findEndpoint(endpointId: string): Promise<EndpointAccess | undefined>
  findVerifier(request: { endpointId: string; role: string }): Promise<string | undefined>
  wake(request: { endpointId: string; client?: WakingClient }): Promise<ComputeAddress>
  jwksFor(endpointId: string): Promise<readonly TokenIssuer[]>
  prepareTokens(request: { endpointId: string; database: string }): Promise<string>
  isAdminKey(key: string): Promise<boolean>
  /** The process names its sessions by numbers of its own. */
  sessionOpened(session: { id: number; details: SessionDetails }): void
  /** With whom those of pools have been lent to meanwhile. */
  sessionsTouched(touched: ReadonlyMap<number, SessionUser | undefined>): void
  sessionListening(session: { id: number; isListening: boolean }): void
  sessionBackend(session: { id: number; pid: number }): void
  sessionEnded(id: number): void
  /** Bytes that have gone to clients since it was last told, by endpoint. */
  bytesSent(bytes: ReadonlyMap<string, number>): void
}

/** What a gateway process answers. */
export interface WorkerProcedures {
  /** Begins to serve, on the sockets that came before; answers once it accepts connections. */
  start(config: WorkerConfig): Promise<void>
  /** The numbers of the processes that serve, by slot. */
  setSlots(slots: number[]): void
  reloadCertificates(material: TlsMaterial): void
  status(): WorkerStatus
  /** Asks what a sibling could ask over the private socket. */
  ask(question: Question): Promise<unknown>
  /** Stops accepting, ends sessions in order, and exits. */
  retire(terms: RetireTerms): void
}

export interface WorkerConfig {
  /** Names the process among those that live; part of the cancel keys that it issues. */
  number: number
  /** The numbers of those that serve once it does, by slot. */
  slots: number[]
  /** Of the private sockets, mode 0700. */
  directory: string
  tls: TlsMaterial
  /** As the gateway's. */
  secret: string
  domain: string
  /** Coppice's, for the admin console. */
  version: string
  limits: Partial<GatewayLimits>
  logLevel: string
  logFile: string
  logsToStderr: boolean
}

export interface WorkerStatus {
  sessions: number
  memoryBytes: number
}

/** A question by name, to all processes of the gateway or to one. */
export interface Question {
  name: string
  argument: unknown
}

export interface RetireTerms {
  /** For so long short sessions may come to their own end, before idle ones are ended. */
  settleMs: number
  /** Then for so long busy ones may go on. */
  graceMs: number
}

/** A bound socket that a process is handed before it starts. */
export interface ListenerMessage {
  kind: 'listener'
  role: ListenerRole
  host: string
  port: number
}

/** What is spoken there: the wire protocol to a session of one's own or of a pool, or SQL over HTTPS. */
export type ListenerRole = 'direct' | 'pooled' | 'https'
