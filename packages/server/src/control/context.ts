import type { ComputeHost } from '../compute/host.ts'
import type { Installation } from '../compute/installations.ts'
import type { WalArchiver } from '../history/wal-archiver.ts'
import type { WalSpool } from '../history/wal-spool.ts'
import type { WalStore } from '../history/wal-store.ts'
import type { OsUser } from '../lib/exec.ts'
import type { KeyedLock } from '../lib/keyed-lock.ts'
import type { Logger } from '../lib/log.ts'
import type { SecretBox } from '../lib/secret-box.ts'
import type { VolumeDriver } from '../volume/volume.ts'
import type { PoolReport } from './pooler.ts'
import type { Store } from './store/store.ts'

/** What the control plane works with, made once by `platform.ts` and passed down. */
export interface Context {
  store: Store
  volumes: VolumeDriver
  host: ComputeHost
  /** Usable from the database's OS user, newest first. */
  installations: readonly Installation[]
  databaseUser: OsUser | undefined
  secrets: SecretBox
  history: History
  settings: Settings
  /** Serialises work on one branch. */
  locks: KeyedLock
  /** What the gateway's pools do; undefined where there is no gateway that tells. */
  poolReport?: PoolReport
  log: Logger
}

/** What of the past is kept, and where it is made present again. */
export interface History {
  wal: WalStore
  /** The same, where WAL goes on to another place. */
  spool: WalSpool | undefined
  archiver: WalArchiver
  /** Configuration and logs of the PostgreSQLs that recover. */
  replayDirectory: string
  /** Of their sockets: short. */
  socketDirectory: string
}

export interface Settings {
  /** Of the store; also marks the pool, so that a pool is never swept by another platform's store. */
  platformId: string
  region: string
  /** Endpoints are `<endpoint id>.<domain>`. */
  domain: string
  /** Whether clients can be given `<anything>.<domain>`: it resolves here, or is a domain of one's own. */
  namesResolve: boolean
  /** Where the gateway listens. */
  directPort: number
  pooledPort: number
  /** What clients reach these by, where something maps them; in every connection string. */
  publicPorts: { direct: number; pooled: number }
  /** Whether an endpoint's `host` carries its port where that is not 5432. */
  hostHasPort: boolean
  sqlPort: number
  defaultSuspendTimeoutSeconds: number
  /** How long a deleted branch or project can be brought back. */
  recoveryWindowSeconds: number
  defaultPgVersion: number
}
