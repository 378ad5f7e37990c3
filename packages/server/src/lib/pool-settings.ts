/** How the connections of one endpoint are pooled. Names and units are PgBouncer's (`pgbouncer.ini`). */
export interface PoolSettings {
  /** When a server connection goes back to its pool: at the end of the session, transaction or statement. */
  pool_mode: PoolMode
  /** Server connections of one pool, that is of one database and role. */
  default_pool_size: number
  /** Kept open while the compute is awake; they do not keep it awake. */
  min_pool_size: number
  /** Server connections of all pools of the endpoint together. */
  max_db_connections: number
  /** Clients of the endpoint, pooled or not. */
  max_client_conn: number
  /** Seconds a server connection may stay unused; 0 for ever. */
  server_idle_timeout: number
  /** Seconds after which a server connection is not used again; 0 for one transaction only. */
  server_lifetime: number
  /** Seconds a client may wait for a server connection; 0 for ever. */
  query_wait_timeout: number
  /** Named prepared statements kept on one server connection; 0 leaves names as clients send them. */
  max_prepared_statements: number
  /** Seconds a client may sit in an open transaction; 0 leaves it to `idle_in_transaction_session_timeout`. */
  idle_transaction_timeout: number
  /** Seconds a client may be connected without a query; 0 for ever. */
  client_idle_timeout: number
  /**
   * What becomes of a client whose session holds what the next one must not have (LISTEN, temporary
   * tables and the like): it keeps its server connection (`pin`), or the statement fails (`refuse`).
   * Ours, not PgBouncer's.
   */
  session_state: 'pin' | 'refuse'
}

export type PoolMode = 'session' | 'transaction' | 'statement'

/** Mission and PgBouncer agree where both say something. */
export const defaultPoolSettings: PoolSettings = {
  pool_mode: 'transaction',
  default_pool_size: 25,
  min_pool_size: 0,
  max_db_connections: 100,
  max_client_conn: 10_000,
  server_idle_timeout: 300,
  server_lifetime: 3600,
  query_wait_timeout: 120,
  max_prepared_statements: 500,
  idle_transaction_timeout: 0,
  client_idle_timeout: 0,
  session_state: 'pin',
}

const choices: Partial<Record<keyof PoolSettings, readonly string[]>> = {
  pool_mode: ['session', 'transaction', 'statement'],
  session_state: ['pin', 'refuse'],
}

/** Inclusive; seconds are bounded by what a timer can wait (2^31 ms). */
const ranges: Partial<Record<keyof PoolSettings, readonly [low: number, high: number]>> = {
  default_pool_size: [1, 1000],
  min_pool_size: [0, 1000],
  max_db_connections: [1, 1000],
  max_client_conn: [1, 100_000],
  server_idle_timeout: [0, 2_000_000],
  server_lifetime: [0, 2_000_000],
  query_wait_timeout: [0, 2_000_000],
  max_prepared_statements: [0, 10_000],
  idle_transaction_timeout: [0, 2_000_000],
  client_idle_timeout: [0, 2_000_000],
}

/** The mission's name for `default_pool_size`. */
const aliases: Readonly<Record<string, keyof PoolSettings>> = { max_pool_size: 'default_pool_size' }

/**
 * Settings from what a project or endpoint has set (`pgbouncer_settings` of Neon's API: names to
 * texts), over the defaults. Throws RangeError whose message can be shown, for a name or a value that
 * there is not.
 */
export function readPoolSettings(given: Readonly<Record<string, string>>): PoolSettings {
  const settings: Record<string, string | number> = { ...defaultPoolSettings }
  for (const [name, value] of Object.entries(given)) {
    const known = poolSettingName(name)
    settings[known] = readValue(known, value.trim())
  }
  // Every name is one of the interface's, every value was read by that name's rule.
  return settings as unknown as PoolSettings
}

/** The setting that is meant by a name. Throws RangeError, whose message can be shown, where there is none. */
export function poolSettingName(name: string): keyof PoolSettings {
  const known = Object.hasOwn(aliases, name) ? aliases[name] : name
  if (known !== undefined && isSetting(known)) return known
  throw new RangeError(unknownSetting(name))
}

function readValue(name: keyof PoolSettings, value: string): string | number {
  const allowed = choices[name]
  if (allowed !== undefined) {
    if (allowed.includes(value)) return value
    throw new RangeError(`${name} must be one of ${allowed.join(', ')}, not "${value}"`)
  }
  const [low, high] = ranges[name] ?? [0, 0]
  const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN
  if (number >= low && number <= high) return number
  throw new RangeError(`${name} must be a whole number from ${low} to ${high}, not "${value}"`)
}

function isSetting(name: string): name is keyof PoolSettings {
  return Object.hasOwn(defaultPoolSettings, name)
}

function unknownSetting(name: string): string {
  const known = Object.keys(defaultPoolSettings).toSorted().join(', ')
  return `"${name}" is no setting of the pooler; it has ${known}`
}
