import { homedir } from 'node:os'
import { join } from 'node:path'

import { AppError } from './errors.ts'

/** The only reader of the environment. docs/config.md lists every variable; a test keeps it equal. */
export const environmentVariables = {
  COPPICE_HOME: "The platform's state directory.",
  COPPICE_DATABASE_URL: 'A PostgreSQL for the metadata store instead of the platform’s own.',
  DATABASE_URL: 'The same, looked at only when the platform is first started.',
  COPPICE_POSTGRES_PATHS:
    'More directories to look for PostgreSQL servers in, separated by colons.',
  COPPICE_DATABASE_USER: 'The OS user that PostgreSQL runs as when the platform runs as root.',
  COPPICE_GATEWAY_WORKERS:
    'How many processes the gateway has, 0 to 64; 0 runs it within the daemon.',
  COPPICE_S3_ACCESS_KEY_ID: 'The access key for the S3 that WAL is kept in.',
  COPPICE_S3_SECRET_ACCESS_KEY: 'Its secret.',
  AWS_ACCESS_KEY_ID: 'The same, where there is no other.',
  AWS_SECRET_ACCESS_KEY: 'Its secret.',
  COPPICE_METRICS_ACCESS:
    'Who reads /metrics: key (the default), who has an API key; loopback, also who is on this machine.',
  COPPICE_BACKUP_PASSPHRASE: 'The passphrase that backups are encrypted with.',
  COPPICE_LOG_LEVEL: 'trace, debug, info (the default), warn or error.',
  COPPICE_FAILPOINT_FILE:
    'For tests: a file that names the step at which the process kills itself, or stands still.',
} as const

interface S3Keys {
  accessKeyId: string
  secretAccessKey: string
}

export interface Environment {
  home: string
  databaseUrl: string | undefined
  firstDatabaseUrl: string | undefined
  postgresPaths: string[]
  databaseUser: string | undefined
  /** Undefined for as many as fit the machine. */
  gatewayWorkers: number | undefined
  /** Undefined where the environment does not have both parts. */
  s3Credentials: S3Keys | undefined
  awsCredentials: S3Keys | undefined
  metricsAccess: 'key' | 'loopback'
  backupPassphrase: string | undefined
  logLevel: string
  failpointFile: string | undefined
}

export function readEnvironment(): Environment {
  const read = (name: keyof typeof environmentVariables): string | undefined =>
    process.env[name] || undefined
  const readKeys = (prefix: 'COPPICE_S3' | 'AWS'): S3Keys | undefined => {
    const accessKeyId = read(`${prefix}_ACCESS_KEY_ID`)
    const secretAccessKey = read(`${prefix}_SECRET_ACCESS_KEY`)
    return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined
  }
  return {
    home: read('COPPICE_HOME') ?? defaultHome(),
    databaseUrl: read('COPPICE_DATABASE_URL'),
    firstDatabaseUrl: read('DATABASE_URL'),
    postgresPaths: (read('COPPICE_POSTGRES_PATHS') ?? '').split(':').filter((path) => path !== ''),
    databaseUser: read('COPPICE_DATABASE_USER'),
    gatewayWorkers: readCount('COPPICE_GATEWAY_WORKERS', read('COPPICE_GATEWAY_WORKERS')),
    s3Credentials: readKeys('COPPICE_S3'),
    awsCredentials: readKeys('AWS'),
    metricsAccess: readAccess('COPPICE_METRICS_ACCESS', read('COPPICE_METRICS_ACCESS')),
    backupPassphrase: read('COPPICE_BACKUP_PASSPHRASE'),
    logLevel: read('COPPICE_LOG_LEVEL') ?? 'info',
    failpointFile: read('COPPICE_FAILPOINT_FILE'),
  }
}

/** Keeps secrets from the processes that this one starts: once they are read nobody else needs them. */
export function hideSecrets(): void {
  delete process.env['COPPICE_S3_SECRET_ACCESS_KEY']
  delete process.env['AWS_SECRET_ACCESS_KEY']
  delete process.env['COPPICE_BACKUP_PASSPHRASE']
}

/** More would take memory and serve nobody sooner. */
const maxCount = 64

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,2}$/.test(text) && Number(text) <= maxCount) return Number(text)
  throw new AppError('invalid_request', `${name}=${text} must be a number from 0 to ${maxCount}`)
}

function readAccess(name: string, text: string | undefined): 'key' | 'loopback' {
  if (text === undefined || text === 'key' || text === 'loopback') return text ?? 'key'
  throw new AppError('invalid_request', `${name}=${text} must be key or loopback`)
}

/** The same places as in the CLI's `config.ts`: the two share no code, only this convention. */
function defaultHome(): string {
  if (process.getuid?.() === 0) return '/var/lib/coppice'
  if (process.platform === 'darwin') {
    return join(homedir(), 'Library', 'Application Support', 'Coppice')
  }
  return join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'coppice')
}
