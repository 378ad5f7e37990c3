import { checkPgSettings, renderSetting } from './pg-settings.ts'
import type { ComputeSpec } from './spec.ts'

/**
 * The configuration of one compute, rendered from its spec. It lies in the compute's own directory and
 * not with the data, so that a clone never starts with its parent's settings.
 */
export interface SettingsHost {
  socketDirectory: string
  hbaFile: string
  identFile: string
  platform: NodeJS.Platform
  /** Of the compute's installation: whether `pg_stat_statements` can be preloaded. */
  hasStatStatements: boolean
}

/** Only names the socket: nothing listens on the network. */
export const postgresPort = 5432

/** What a project's clients can have open at once, whatever the compute's size. */
const clientConnections = 100

/** For the platform itself, also when clients have taken all of theirs. */
const reservedConnections = 7

/** postgresql.conf. Rejects settings that a project may not change with AppError `invalid_request`. */
export function renderPostgresConf(spec: ComputeSpec, host: SettingsHost): string {
  checkPgSettings(spec.pgSettings)
  const groups = [
    placeSettings(spec, host),
    durabilitySettings(spec, host),
    startMemorySettings(spec),
    processSettings(spec, host),
    localeSettings,
    logSettings,
    spec.pgSettings,
    ...(spec.isStandby ? [{ max_prepared_transactions: replayPreparedTransactions }] : []),
  ]
  const lines = groups.map((group) =>
    Object.entries(group)
      .map(([name, value]) => `${renderSetting(name, value)}\n`)
      .join(''),
  )
  const limits = renderSetting('include_if_exists', limitsFileName)
  return `# Rendered before every start; edits are lost.\n${lines.join('\n')}\n${limits}\n`
}

/** Beside postgresql.conf and over it: what changes while the compute runs. */
export const limitsFileName = 'limits.conf'

/** `units` is the size in force. What the user has set is left to them. */
export function renderLimitsConf(
  { pgSettings, readOnly }: Pick<ComputeSpec, 'pgSettings' | 'readOnly'>,
  units: number,
): string {
  const theirs = new Set(Object.keys(pgSettings).map((name) => name.toLowerCase()))
  const sized = Object.entries(sizedSettings(units)).filter(([name]) => !theirs.has(name))
  return [...sized, ...(readOnly ? [['default_transaction_read_only', 'on'] as const] : [])]
    .map(([name, value]) => `${renderSetting(name, value)}\n`)
    .join('')
}

type Settings = Readonly<Record<string, string | number>>

function placeSettings(spec: ComputeSpec, host: SettingsHost): Settings {
  return {
    listen_addresses: '',
    port: postgresPort,
    unix_socket_directories: quoteListItem(host.socketDirectory),
    unix_socket_permissions: '0700',
    hba_file: host.hbaFile,
    ident_file: host.identFile,
    cluster_name: spec.endpointId,
    password_encryption: 'scram-sha-256',
    ...(spec.pgVersion >= 17 && { allow_alter_system: 'off' }),
  }
}

/** `unix_socket_directories` is a list: a path with a comma or a space in it is quoted. */
const quoteListItem = (path: string): string => `"${path.replaceAll('"', '""')}"`

function durabilitySettings(spec: ComputeSpec, host: SettingsHost): Settings {
  return {
    fsync: 'on',
    full_page_writes: 'on',
    // Replicas are made anew at every start, without slots.
    wal_level: spec.logicalReplication && !spec.isStandby ? 'logical' : 'replica',
    // A slot that nobody reads from any more must not fill the pool.
    ...(spec.logicalReplication && { max_slot_wal_keep_size: '4GB' }),
    max_wal_senders: 10,
    max_replication_slots: 10,
    hot_standby: 'on',
    // Until the slot that holds WAL back for history is there, a second after the first start.
    ...(spec.historyLine !== '' && { wal_keep_size: '64MB' }),
    // On copy-on-write storage, rewriting an old segment or filling a new one with zeros only makes
    // blocks that every clone then holds on to.
    wal_recycle: 'off',
    wal_init_zero: 'off',
    min_wal_size: '32MB',
    // What a crash, or a clone of a busy cluster, may have to replay: some seconds' worth.
    max_wal_size: '512MB',
    checkpoint_timeout: '5min',
    // One call instead of an fsync of each file before recovery.
    ...(host.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
    // The host starts it anew. By itself PostgreSQL stays half-started where the disk is full meanwhile, and
    // serves nobody when there is space again.
    restart_after_crash: 'off',
  }
}

const megabytesPerUnit = 4096

/** What PostgreSQL takes over while it runs (manual, "Setting Parameters": context `user` or `sighup`). */
function sizedSettings(units: number): Settings {
  return {
    effective_cache_size: `${Math.round(units * megabytesPerUnit * 0.75)}MB`,
    work_mem: `${Math.round(4 * clamp(units, 1, 16))}MB`,
    maintenance_work_mem: `${Math.round(64 * clamp(units, 1, 16))}MB`,
    // Below one processor, workers only get in each other's way.
    max_parallel_workers_per_gather: units < 1 ? 0 : Math.ceil(clamp(units, 1, 8)),
    max_parallel_workers: Math.ceil(clamp(units, 1, 64)),
  }
}

function startMemorySettings(spec: ComputeSpec): Settings {
  return {
    shared_buffers: `${sharedBuffersMegabytes(spec)}MB`,
    huge_pages: 'off',
    jit: 'off',
  }
}

/**
 * Of the maximum, since they cannot grow; at most a quarter of the memory at the minimum, since they
 * cannot shrink either. Small, as on Neon: the cache proper is the kernel's, which grows and shrinks with
 * the size and survives a suspend. What is not touched takes no memory.
 */
function sharedBuffersMegabytes({ minComputeUnits, maxComputeUnits }: ComputeSpec): number {
  const most = Math.min(2048, (minComputeUnits * megabytesPerUnit) / 4)
  return Math.round(clamp(maxComputeUnits * 128, 128, most))
}

const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high)

const statStatements = 'pg_stat_statements'

function processSettings(spec: ComputeSpec, host: SettingsHost): Settings {
  // A default, which not every server package has; one that was asked for must not be left out.
  const libraries = spec.preloadLibraries.filter(
    (name) => name !== statStatements || host.hasStatStatements,
  )
  return {
    max_connections: clientConnections + reservedConnections,
    superuser_reserved_connections: reservedConnections,
    // A standby may not have fewer than what it follows, whatever the size of either.
    max_worker_processes: 12 + Math.floor(2 * (spec.isStandby ? maxUnits : spec.maxComputeUnits)),
    autovacuum: 'on',
    // No subscription of a clone must ever connect to its publisher; this also saves the launcher.
    max_logical_replication_workers: 0,
    idle_in_transaction_session_timeout: '5min',
    // Linux, macOS and the BSDs can tell that a client has gone while its query runs.
    client_connection_check_interval: '60s',
    // The I/O workers of 18 cost a small compute three processes and 10 to 20 ms of its start.
    ...(spec.pgVersion >= 18 && spec.maxComputeUnits <= smallUnits && { io_method: 'sync' }),
    ...(libraries.length > 0 && { shared_preload_libraries: libraries.join(',') }),
    ...(libraries.includes(statStatements) && {
      // It would keep the text of ALTER ROLE … PASSWORD for everyone to read.
      'pg_stat_statements.track_utility': 'off',
      // A fifth of the default: 1.7 MB less of every running compute.
      'pg_stat_statements.max': 1000,
    }),
  }
}

/**
 * Whatever replays WAL may have no fewer than the server that wrote it, and that may have been any. So
 * much takes some megabytes of memory that nobody touches.
 */
export const replayPreparedTransactions = 1000

/** The largest that there is. */
const maxUnits = 64

/** Up to here a compute is small: start and memory matter more than the last of its throughput. */
const smallUnits = 4

/** Of every cluster, wherever it runs. */
export const localeSettings: Settings = {
  timezone: 'UTC',
  datestyle: 'iso, mdy',
  lc_messages: 'C',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  default_text_search_config: 'pg_catalog.english',
}

const logSettings: Settings = {
  log_destination: 'stderr',
  logging_collector: 'off',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%u@%d ',
  log_connections: 'off',
  log_disconnections: 'off',
  // A failing CREATE ROLE … PASSWORD would otherwise leave the password in the log.
  log_min_error_statement: 'panic',
  log_temp_files: '1MB',
}
