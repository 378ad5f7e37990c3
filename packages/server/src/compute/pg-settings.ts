import { AppError } from '../lib/errors.ts'

/**
 * Settings that a project may not change: by what they would do. Whatever runs commands, loads code,
 * names paths, weakens authentication or durability, or belongs to how the platform runs PostgreSQL.
 * A trailing `*` stands for every setting that begins so.
 */
const refused: readonly [why: string, names: string][] = [
  [
    'it runs commands on the host',
    'archive_command archive_cleanup_command restore_command recovery_end_command ' +
      'ssl_passphrase_command basebackup_to_shell.*',
  ],
  [
    'it loads code',
    'shared_preload_libraries session_preload_libraries local_preload_libraries archive_library ' +
      'jit_provider dynamic_library_path extension_control_path oauth_validator_libraries ' +
      'extension_destdir plperl.* plperlu.* pltcl.* pltclu.* plpython3u.*',
  ],
  [
    'it names files on the host',
    'data_directory config_file hba_file ident_file external_pid_file include* log_directory ' +
      'log_filename log_file_mode log_destination logging_collector log_rotation_* ' +
      'log_truncate_on_rotation syslog_* event_source stats_temp_directory krb_server_keyfile ' +
      'temp_tablespaces basic_archive.*',
  ],
  [
    'it could write passwords to the log or to statistics',
    'log_statement log_min_error_statement log_min_duration_statement log_min_duration_sample ' +
      'log_statement_* log_transaction_sample_rate log_parameter_* log_duration debug_* trace_* ' +
      'pg_stat_statements.track_utility auto_explain.*',
  ],
  [
    'the platform decides how clients connect and authenticate',
    'listen_addresses port unix_socket_* bonjour* ssl* authentication_timeout password_encryption ' +
      'db_user_namespace krb_* gss_* max_connections superuser_reserved_connections ' +
      'reserved_connections tcp_* md5_password_warnings',
  ],
  [
    'it would put data at risk',
    'fsync full_page_writes wal_sync_method wal_level wal_recycle wal_init_zero data_sync_retry ' +
      'data_checksums ignore_checksum_failure ignore_invalid_pages ignore_system_indexes ' +
      'zero_damaged_pages allow_system_table_mods allow_in_place_tablespaces ' +
      'recovery_init_sync_method remove_temp_files_after_crash wal_consistency_checking ' +
      'wal_debug backtrace_functions',
  ],
  [
    'the platform manages replication and recovery',
    'archive_mode archive_timeout primary_* promote_trigger_file recovery_* hot_standby* ' +
      'max_wal_senders max_replication_slots max_logical_replication_workers ' +
      'max_active_replication_origins max_slot_wal_keep_size wal_keep_size sync_replication_slots ' +
      'synchronous_standby_names synchronized_standby_slots summarize_wal standby_slot_names ' +
      'idle_replication_slot_timeout',
  ],
  [
    'the platform sets it',
    'cluster_name update_process_title restart_after_crash huge_page* shared_memory_type ' +
      'dynamic_shared_memory_type min_dynamic_shared_memory io_method allow_alter_system ' +
      'max_files_per_process lc_messages timezone_abbreviations exit_on_error single_user ' +
      'client_connection_check_interval',
  ],
]

const exactNames = new Map<string, string>()
const prefixes: [prefix: string, why: string][] = []
for (const [why, names] of refused) {
  for (const name of names.split(' ')) {
    if (name.endsWith('*')) prefixes.push([name.slice(0, -1), why])
    else exactNames.set(name, why)
  }
}

/** A setting's name in postgresql.conf: with one dot for those of extensions (guc.c, `valid_custom_variable_name`). */
const settingName = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/

/** Bounds on what is kept and rendered for every start. */
const maxSettings = 100
const maxValueLength = 1000

/** Rejects settings that a project may not change, with AppError `invalid_request` naming the first. */
export function checkPgSettings(settings: Readonly<Record<string, string>>): void {
  const entries = Object.entries(settings)
  if (entries.length > maxSettings) {
    throw new AppError('invalid_request', `at most ${maxSettings} settings can be given`)
  }
  for (const [name, value] of entries) checkSetting(name, value)
}

function checkSetting(name: string, value: string): void {
  // PostgreSQL takes names in any case; the comparison must not be fooled by it.
  const folded = name.toLowerCase()
  if (!settingName.test(folded)) {
    throw new AppError('invalid_request', `${JSON.stringify(name)} is not the name of a setting`)
  }
  const why = exactNames.get(folded) ?? prefixes.find(([start]) => folded.startsWith(start))?.[1]
  if (why !== undefined) {
    throw new AppError('invalid_request', `setting ${folded} cannot be changed: ${why}`)
  }
  // oxlint-disable-next-line no-control-regex -- a line break would end the value in postgresql.conf
  if (value.length > maxValueLength || /[\u0000-\u001f\u007f]/.test(value)) {
    const limit = `at most ${maxValueLength} characters, no control characters`
    throw new AppError('invalid_request', `setting ${folded} has an unusable value (${limit})`)
  }
}

/** One line of postgresql.conf (manual, "Setting Parameters"): the value quoted whatever its type. */
export function renderSetting(name: string, value: string | number): string {
  const quoted = String(value).replaceAll('\\', '\\\\').replaceAll("'", "''")
  return `${name} = '${quoted}'`
}
