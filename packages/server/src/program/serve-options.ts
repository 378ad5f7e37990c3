import type { parseArgs } from 'node:util'

import type { Environment } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { SavedConfig } from '../lib/saved-config.ts'
import { walStoreOptions, type WalStoreOptions } from './wal-store-options.ts'

/** How `serve` was asked to run: flags over what was saved over the defaults. */
export interface ServeOptions {
  environment: Environment
  saved: SavedConfig
  directPort: number
  pooledPort: number
  sqlPort: number
  apiPort: number
  /** Ports that a flag named or that connection strings carry already are not replaced. */
  fixed: { direct: boolean; pooled: boolean; sql: boolean; api: boolean }
  /** Addresses of the gateway. */
  listen: string[]
  apiHost: string
  domain: string
  /** Size of the pool image, where one is made. */
  poolSize: string | undefined
  walStore: WalStoreOptions
  isDetached: boolean
}

const defaults = { direct: 5432, pooled: 6432, sql: 8443, api: 7432, domain: 'coppice.localhost' }
const loopback = ['127.0.0.1', '::1']

export const serveFlags = {
  home: { type: 'string' },
  port: { type: 'string' },
  'pooled-port': { type: 'string' },
  'sql-port': { type: 'string' },
  'api-port': { type: 'string' },
  listen: { type: 'string' },
  domain: { type: 'string' },
  'pool-size': { type: 'string' },
  'wal-store': { type: 'string' },
  's3-endpoint': { type: 'string' },
  's3-region': { type: 'string' },
  detached: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export type ServeFlags = ReturnType<typeof parseArgs<{ options: typeof serveFlags }>>['values']

export function serveOptions(
  flags: ServeFlags,
  environment: Environment,
  saved: SavedConfig,
): ServeOptions {
  const listen = flags.listen ?? saved.listen
  return {
    environment,
    saved,
    directPort: port('port', flags.port) ?? saved.direct_port ?? defaults.direct,
    pooledPort: port('pooled-port', flags['pooled-port']) ?? saved.pooled_port ?? defaults.pooled,
    sqlPort: port('sql-port', flags['sql-port']) ?? saved.sql_port ?? defaults.sql,
    apiPort: port('api-port', flags['api-port']) ?? saved.api_port ?? defaults.api,
    fixed: {
      direct: flags.port !== undefined || saved.direct_port !== undefined,
      pooled: flags['pooled-port'] !== undefined || saved.pooled_port !== undefined,
      sql: flags['sql-port'] !== undefined || saved.sql_port !== undefined,
      api: flags['api-port'] !== undefined || saved.api_port !== undefined,
    },
    listen: listen === undefined ? loopback : listen.split(',').filter((one) => one !== ''),
    // The API speaks plain HTTP, so it stays on loopback wherever the gateway listens.
    apiHost: '127.0.0.1',
    domain: checkDomain(flags.domain ?? saved.domain ?? defaults.domain),
    poolSize: flags['pool-size'],
    walStore: walStoreOptions(flags, saved),
    isDetached: flags.detached ?? false,
  }
}

function port(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value
  throw new AppError('invalid_request', `--${name} ${text} is not a port (1 to 65535)`)
}

/** Wildcard certificates need two dots: OpenSSL and Node refuse `*.localhost`. */
function checkDomain(domain: string): string {
  const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
  if (new RegExp(`^${label}(\\.${label})+$`).test(domain) && domain.length <= 180) return domain
  throw new AppError(
    'invalid_request',
    `--domain ${domain} must be a lower-case domain name of at least two labels, e.g. db.example.org`,
  )
}
