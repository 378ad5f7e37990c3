import type { ConnectionDetails } from '@coppice/api'

import type { Settings } from './context.ts'

export interface ConnectionTarget {
  endpointId: string
  role: string
  password: string
  database: string
  pooled: boolean
}

/**
 * A connection string that works on this machine. Where names below the domain resolve, the endpoint
 * is in the host name and reaches the gateway by SNI; otherwise the host is `localhost` and the
 * endpoint travels in `options`, which every driver on libpq's conventions sends.
 */
export function connectionUri(target: ConnectionTarget, settings: Settings): string {
  const { host, query } = address(target, settings)
  const user = encodeURIComponent(target.role)
  const password = encodeURIComponent(target.password)
  const database = encodeURIComponent(target.database)
  return `postgresql://${user}:${password}@${host}/${database}?${query}`
}

export function connectionDetails(target: ConnectionTarget, settings: Settings): ConnectionDetails {
  return {
    connection_uri: connectionUri(target, settings),
    connection_parameters: {
      database: target.database,
      password: target.password,
      role: target.role,
      ...hosts(target, settings),
    },
  }
}

/** Putting the second in the place of the first makes a URI pooled, which is how Neon's SDK does it. */
function hosts(
  target: ConnectionTarget,
  settings: Settings,
): { host: string; pooler_host: string } {
  if (!settings.namesResolve) {
    return {
      host: address({ ...target, pooled: false }, settings).host,
      pooler_host: address({ ...target, pooled: true }, settings).host,
    }
  }
  return {
    host: `${target.endpointId}.${settings.domain}`,
    pooler_host: `${target.endpointId}-pooler.${settings.domain}`,
  }
}

/** Nothing where it is what clients take anyway. */
export function portSuffix(port: number): string {
  return port === 5432 ? '' : `:${port}`
}

function address(target: ConnectionTarget, settings: Settings): { host: string; query: string } {
  const label = target.pooled ? `${target.endpointId}-pooler` : target.endpointId
  const { direct, pooled } = settings.publicPorts
  const suffix = portSuffix(target.pooled ? pooled : direct)
  const security = 'sslmode=require&channel_binding=require'
  if (settings.namesResolve)
    return { host: `${label}.${settings.domain}${suffix}`, query: security }
  const option = encodeURIComponent(`endpoint=${label}`)
  return { host: `localhost${suffix}`, query: `${security}&options=${option}` }
}
