type Settings = Readonly<Record<string, string | number>>

/** What matters most of the settings in force; undefined where the platform does not tell. */
export function poolerInForce(settings: Settings | undefined): string | undefined {
  if (settings === undefined) return undefined
  const { pool_mode, default_pool_size, max_db_connections, max_client_conn } = settings
  return `${pool_mode} mode, pools of ${default_pool_size}, ${max_db_connections} connections, ${max_client_conn} clients`
}

/** `default_pool_size=50, pool_mode=session`: what was set, where something was. */
export function poolerSet(settings: Settings | undefined): string | undefined {
  const pairs = Object.entries(settings ?? {}).map(([name, value]) => `${name}=${value}`)
  return pairs.length > 0 ? pairs.toSorted().join(', ') : undefined
}
