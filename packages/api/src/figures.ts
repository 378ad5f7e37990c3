/**
 * What is sampled: of a figure with `sum`, how much there was of it in the time of the sample; with
 * `highest`, the most that was seen in it.
 */
export interface Figure {
  kind: 'sum' | 'highest'
  /** What it is, with its unit where its name has none; a line of docs/monitoring.md. */
  help: string
}

const sum = (help: string) => ({ kind: 'sum', help }) as const
const highest = (help: string) => ({ kind: 'highest', help }) as const

/** Of a compute, under PostgreSQL's names where PostgreSQL has one. */
export const computeFigures = {
  awake_seconds: sum('Time that PostgreSQL ran'),
  cpu_seconds: sum('Processor time of PostgreSQL with all its processes'),
  memory_bytes: highest('Memory of PostgreSQL, what its processes share counted once'),
  database_bytes: highest('Size of all databases'),
  max_connections: highest('Connections that PostgreSQL takes'),
  connections_active: highest('Connections that run a query'),
  connections_idle: highest('Connections that do nothing'),
  connections_idle_in_transaction: highest('Connections that do nothing within a transaction'),
  connections_waiting: highest('Connections that wait for a lock'),
  longest_transaction_seconds: highest('Age of the oldest transaction of a connection'),
  xact_commit: sum('Transactions committed'),
  xact_rollback: sum('Transactions rolled back'),
  tup_returned: sum('Rows read by scans'),
  tup_fetched: sum('Rows fetched by index scans'),
  tup_inserted: sum('Rows inserted'),
  tup_updated: sum('Rows updated'),
  tup_deleted: sum('Rows deleted'),
  blks_hit: sum('Blocks found in shared buffers'),
  blks_read: sum('Blocks read from the system'),
  deadlocks: sum('Deadlocks'),
  temp_bytes: sum('Bytes written to temporary files'),
  wal_bytes: sum('Bytes of WAL written'),
  sessions: highest('Sessions of clients through the gateway'),
  sent_bytes: sum('Bytes sent to clients through the gateway'),
  pool_clients_active: highest('Clients of the pools that have a server connection'),
  pool_clients_waiting: highest('Clients of the pools that wait for a server connection'),
  pool_clients_idle: highest('Clients of the pools that need no server connection'),
  pool_servers_active: highest('Server connections of the pools that a client has'),
  pool_servers_idle: highest('Server connections of the pools that nobody has'),
  pool_wait_seconds: highest('How long the client that waits longest for a pool has waited'),
  wakes: sum('Starts of PostgreSQL'),
  failed_wakes: sum('Starts of PostgreSQL that failed'),
  wake_seconds: sum('Time that starts took'),
} as const satisfies Record<string, Figure>

/** Of the platform as a whole. */
export const platformFigures = {
  projects: highest('Projects'),
  branches: highest('Branches'),
  computes: highest('Computes, awake or asleep'),
  computes_awake: highest('Computes that are awake'),
  wakes: sum('Starts of computes'),
  failed_wakes: sum('Starts of computes that failed'),
  wake_seconds: sum('Time that starts took'),
  gateway_sessions: highest('Sessions of clients in the processes of the gateway'),
  gateway_memory_bytes: highest('Memory of the processes of the gateway'),
  sent_bytes: sum('Bytes sent to clients through the gateway'),
  daemon_cpu_seconds: sum('Processor time of the daemon'),
  daemon_memory_bytes: highest('Memory of the daemon'),
  sampling_seconds: sum('Time that looking at computes took, several of them at once'),
  pool_total_bytes: highest('Size of the storage pool'),
  pool_used_bytes: highest('Of it, what is in use'),
  store_bytes: highest('Size of the metadata store'),
  wal_waiting_bytes: highest('WAL that waits to be uploaded to S3'),
  host_load: highest('Load of the host over a minute'),
  host_memory_total_bytes: highest('Memory of the host'),
  host_memory_used_bytes: highest('Memory of the host that cannot be had'),
} as const satisfies Record<string, Figure>

export type ComputeFigure = keyof typeof computeFigures
export type PlatformFigure = keyof typeof platformFigures

/** Every one of them, in a sample. */
export type ComputeFigures = Record<ComputeFigure, number>
export type PlatformFigures = Record<PlatformFigure, number>
