import { type Static, Type } from 'typebox'

import { EndpointState, EndpointType } from './endpoint.ts'
import { Id, Timestamp } from './ids.ts'

/** Why a compute is not asleep: a session that works or listens, or a setting. */
export const AwakeReason = Type.Object({
  reason: Type.String(),
  role: Type.Optional(Type.String()),
  database: Type.Optional(Type.String()),
  application_name: Type.Optional(Type.String()),
  client_address: Type.Optional(Type.String()),
  /** Of replication: the slot that is read. */
  slot_name: Type.Optional(Type.String()),
  /** What it does, more exactly: of autovacuum, which table. */
  detail: Type.Optional(Type.String()),
  since: Type.Optional(Timestamp),
  /** Set for a session that asks not to count: it is waited for, and keeps nothing awake. */
  quiet: Type.Optional(Type.Boolean()),
})
export type AwakeReason = Static<typeof AwakeReason>

export const ComputeStatus = Type.Object({
  endpoint_id: Id,
  project_id: Id,
  branch_id: Id,
  branch_name: Type.String(),
  type: EndpointType,
  current_state: EndpointState,
  pg_version: Type.String(),
  pid: Type.Optional(Type.Integer()),
  sessions: Type.Integer(),
  memory_bytes: Type.Optional(Type.Integer()),
  /** Processor time of PostgreSQL since it began, in seconds; absent where the system does not tell. */
  cpu_seconds: Type.Optional(Type.Number()),
  /** The size in force; absent where it is not awake. */
  compute_units: Type.Optional(Type.Number()),
  /** Between which sizes it is. */
  min_compute_units: Type.Number(),
  max_compute_units: Type.Number(),
  /** Whether its processes are stopped until somebody wants them; absent where it is not awake. */
  frozen: Type.Optional(Type.Boolean()),
  started_at: Type.Optional(Timestamp),
  last_active: Type.Optional(Timestamp),
  suspend_at: Type.Optional(Timestamp),
  awake: Type.Array(AwakeReason),
})
export type ComputeStatus = Static<typeof ComputeStatus>

/** What the gateway proves itself with: of the platform's own authority, or from the operator's files. */
export const CertificateStatus = Type.Object({
  kind: Type.Union([Type.Literal('own'), Type.Literal('files')]),
  file: Type.String(),
  names: Type.Array(Type.String()),
  issuer: Type.String(),
  expires_at: Timestamp,
  /** What is the matter with it; empty where nothing is. */
  warnings: Type.Array(Type.String()),
})
export type CertificateStatus = Static<typeof CertificateStatus>

/** A process of the gateway; one that drains has been replaced, and its sessions end by themselves. */
export const GatewayProcess = Type.Object({
  pid: Type.Integer(),
  state: Type.Union([Type.Literal('serving'), Type.Literal('draining')]),
  started_at: Timestamp,
  sessions: Type.Integer(),
  memory_bytes: Type.Integer(),
})
export type GatewayProcess = Static<typeof GatewayProcess>

export const PlatformStatus = Type.Object({
  version: Type.String(),
  pid: Type.Integer(),
  started_at: Type.Union([Timestamp, Type.Null()]),
  home: Type.String(),
  api_url: Type.String(),
  domain: Type.String(),
  direct_port: Type.Integer(),
  pooled_port: Type.Integer(),
  /** SQL over HTTP and WebSockets. */
  sql_port: Type.Integer(),
  certificate: CertificateStatus,
  store: Type.Object({ kind: Type.String(), available: Type.Boolean() }),
  pool: Type.Object({
    driver: Type.String(),
    path: Type.String(),
    /** The file that it lies in, where it has a file system of its own. */
    image: Type.Optional(Type.String()),
    total_bytes: Type.Integer(),
    free_bytes: Type.Integer(),
    warning: Type.Optional(Type.String()),
  }),
  /** Where WAL goes from the pool; absent where it stays. */
  wal_store: Type.Optional(
    Type.Object({
      url: Type.String(),
      waiting_files: Type.Integer(),
      waiting_bytes: Type.Integer(),
      /** When the oldest that waits was finished. */
      waiting_since: Type.Optional(Timestamp),
      /** Why nothing is uploaded, and since when. */
      error: Type.Optional(Type.String()),
      error_since: Type.Optional(Timestamp),
    }),
  ),
  /** What limits computes, or `none` and why. */
  limits: Type.Object({
    kind: Type.String(),
    detail: Type.String(),
    /** Computes that are awake, and that wait until others make room. */
    awake: Type.Integer(),
    waiting: Type.Integer(),
    /** Which wait, who has waited longest first. */
    waiting_endpoints: Type.Array(Id),
    /** Absent where as many may be awake as there are. */
    max_awake: Type.Optional(Type.Integer()),
  }),
  /** None where the daemon itself is the gateway. */
  gateway: Type.Array(GatewayProcess),
  postgres: Type.Array(Type.Object({ version: Type.String(), origin: Type.String() })),
  computes: Type.Array(ComputeStatus),
})
export type PlatformStatus = Static<typeof PlatformStatus>

/** What of the pool a branch, a snapshot or a deleted branch takes. */
export const PoolBranch = Type.Object({
  project_id: Id,
  project_name: Type.String(),
  branch_id: Id,
  branch_name: Type.String(),
  kind: Type.Union([
    Type.Literal('branch'),
    Type.Literal('snapshot'),
    /** It can be brought back, so its data is there still. */
    Type.Literal('deleted'),
  ]),
  /** All of its databases, shared with other branches or not; absent where it is not known yet. */
  logical_size_bytes: Type.Optional(Type.Integer()),
  /** What destroying it would free at once; absent where the file system does not tell, or not yet. */
  exclusive_bytes: Type.Optional(Type.Integer()),
})
export type PoolBranch = Static<typeof PoolBranch>

export const PoolProject = Type.Object({
  project_id: Id,
  project_name: Type.String(),
  /** Branches, snapshots and deleted branches. */
  branches: Type.Integer(),
  /** Of those of which they are known; absent where that is none. */
  logical_size_bytes: Type.Optional(Type.Integer()),
  exclusive_bytes: Type.Optional(Type.Integer()),
})
export type PoolProject = Static<typeof PoolProject>

export const PoolContents = Type.Object({
  total_bytes: Type.Integer(),
  free_bytes: Type.Integer(),
  /** While less than this is free nothing new is made. */
  reserve_bytes: Type.Integer(),
  /** Of all branches, what each holds alone. */
  exclusive_bytes: Type.Integer(),
  /** The largest first, at most 400. */
  projects: Type.Array(PoolProject),
  /** The largest first, at most 400. */
  branches: Type.Array(PoolBranch),
  /** Volumes, and files of packed ones, that the store does not know. They are never destroyed by the platform. */
  unknown_volumes: Type.Array(Type.String()),
})
export type PoolContents = Static<typeof PoolContents>

/** One thing that the machine offers or lacks, and what to do about it. */
export const PlatformCheck = Type.Object({
  name: Type.String(),
  status: Type.Union([Type.Literal('ok'), Type.Literal('warn'), Type.Literal('fail')]),
  detail: Type.String(),
  advice: Type.Optional(Type.String()),
})
export type PlatformCheck = Static<typeof PlatformCheck>
