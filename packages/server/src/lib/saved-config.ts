import { readFile } from 'node:fs/promises'

import { errorCode } from './errors.ts'
import { writeFileAtomically } from './files.ts'

/** Whether an endpoint's `host` in the API carries a port: where it is not 5432, or never. */
export type HostPort = 'auto' | 'never'

/**
 * What the platform remembers between runs, `<home>/config.json`: ports and names are part of every
 * connection string, so they stay what they were; flags of `up` change them.
 */
export interface SavedConfig {
  /** Of the code that wrote this state: the number of the store's last migration. */
  state_version?: number
  direct_port?: number
  pooled_port?: number
  sql_port?: number
  api_port?: number
  listen?: string
  domain?: string
  /** What clients reach the ports by, where something maps them. */
  public_port?: number | undefined
  public_pooled_port?: number | undefined
  host_port?: HostPort
  /** The operator's own certificate; absent for the platform's. */
  tls_cert?: string | undefined
  tls_key?: string | undefined
  /** That roles may create, beyond those that the platform trusts them with. */
  trust_extensions?: readonly string[]
  /** Set when the pool is a loop image, to mount it again. */
  pool_image?: string
  /** Where WAL is kept beside the pool; absent where it is not. */
  wal_store?: string | undefined
  s3_endpoint?: string | undefined
  s3_region?: string | undefined
  /** Whether computes are limited, where that is possible. */
  limits?: 'auto' | 'off' | undefined
  /** Seconds or `never`, a size or a percentage, a number; absent for the defaults. */
  freeze_after?: string | undefined
  compute_memory?: string | undefined
  max_awake?: string | undefined
  /** Where the store was found to be at the first start. */
  store?: 'own' | 'database_url'
}

export async function readSavedConfig(path: string): Promise<SavedConfig> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as SavedConfig
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    throw new Error(`cannot read ${path}`, { cause: error })
  }
}

export async function saveConfig(path: string, config: SavedConfig): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(config, null, 2)}\n`)
}
