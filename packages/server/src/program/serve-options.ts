import type { parseArgs } from 'node:util'

import { whyRefused } from '../compute/extensions.ts'
import type { CertificateFiles } from '../gateway/certificate-pair.ts'
import type { Environment } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { HostPort, SavedConfig } from '../lib/saved-config.ts'
import { computeOptions, type ComputeOptions } from './compute-options.ts'
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
  /** What clients reach the gateway by where something maps its ports; undefined where nothing does. */
  publicPort: number | undefined
  publicPooledPort: number | undefined
  hostPort: HostPort
  /** The operator's own certificate; undefined for the platform's. */
  certificateFiles: CertificateFiles | undefined
  /** Whether a flag has named it: then it has to be one that clients accept. */
  isCertificateNew: boolean
  /** Extensions that roles may create beyond those that the platform trusts them with. */
  trustedExtensions: readonly string[]
  /** Size of the pool image, where one is made. */
  poolSize: string | undefined
  walStore: WalStoreOptions
  computes: ComputeOptions
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
  'public-port': { type: 'string' },
  'public-pooled-port': { type: 'string' },
  'host-port': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'trust-extensions': { type: 'string' },
  'pool-size': { type: 'string' },
  'wal-store': { type: 'string' },
  's3-endpoint': { type: 'string' },
  's3-region': { type: 'string' },
  limits: { type: 'string' },
  'freeze-after': { type: 'string' },
  'compute-memory': { type: 'string' },
  'max-awake': { type: 'string' },
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
    publicPort: publicPort('public-port', flags['public-port'], saved.public_port),
    publicPooledPort: publicPort(
      'public-pooled-port',
      flags['public-pooled-port'],
      saved.public_pooled_port,
    ),
    hostPort: hostPort(flags['host-port']) ?? saved.host_port ?? 'auto',
    certificateFiles: certificateFiles(flags, saved),
    isCertificateNew: flags['tls-cert'] !== undefined,
    trustedExtensions: extensionNames(flags['trust-extensions']) ?? saved.trust_extensions ?? [],
    poolSize: flags['pool-size'],
    walStore: walStoreOptions(flags, saved),
    computes: computeOptions(flags, saved),
    isDetached: flags.detached ?? false,
  }
}

function port(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value
  throw new AppError('invalid_request', `--${name} ${text} is not a port (1 to 65535)`)
}

/** `same` takes back what an earlier start was told. */
function publicPort(
  name: string,
  text: string | undefined,
  saved: number | undefined,
): number | undefined {
  return text === 'same' ? undefined : (port(name, text) ?? saved)
}

function hostPort(text: string | undefined): HostPort | undefined {
  if (text === undefined || text === 'auto' || text === 'never') return text
  throw new AppError('invalid_request', `--host-port ${text} is neither auto nor never`)
}

/** With commas; `none` takes back what an earlier start was told. */
function extensionNames(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined
  const names = text === 'none' ? [] : text.split(',')
  for (const name of names) {
    if (!/^[a-z0-9_-]{1,63}$/.test(name)) {
      const shown = JSON.stringify(name)
      throw new AppError('invalid_request', `--trust-extensions: ${shown} is no extension's name`)
    }
    const why = whyRefused(name)
    if (why !== undefined) {
      throw new AppError('invalid_request', `--trust-extensions: ${name} stays refused: ${why}`)
    }
  }
  return names
}

/** `own` goes back to the platform's. */
function certificateFiles(flags: ServeFlags, saved: SavedConfig): CertificateFiles | undefined {
  const { 'tls-cert': cert, 'tls-key': key } = flags
  if (cert === 'own' && key === undefined) return undefined
  if (cert !== undefined && cert !== 'own' && key !== undefined)
    return { certPath: cert, keyPath: key }
  if (cert !== undefined || key !== undefined) {
    throw new AppError(
      'invalid_request',
      "--tls-cert FILE and --tls-key FILE go together; --tls-cert own goes back to the platform's own certificate",
    )
  }
  if (saved.tls_cert === undefined || saved.tls_key === undefined) return undefined
  return { certPath: saved.tls_cert, keyPath: saved.tls_key }
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
