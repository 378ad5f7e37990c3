import { chooseInstallation, type Installation } from '../compute/installations.ts'
import {
  isEmptyStore,
  migrateStore,
  openRenewable,
  platformId,
  type Store,
  type StoreAddress,
} from '../control/store/store.ts'
import { AppError, describeError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { newName } from '../lib/ids.ts'
import type { Logger } from '../lib/log.ts'
import type { VolumeDriver } from '../volume/volume.ts'
import { refuseEmptyStore } from './pool-owner.ts'
import type { Postgres } from './postgres.ts'
import type { ServeOptions } from './serve-options.ts'
import { startStoreCluster, storeVersion } from './store-cluster.ts'

export interface PlatformStore {
  sql: Store
  address: StoreAddress
  kind: 'own' | 'database_url'
  platformId: string
  /** For who hears that it is there again, having been away; of its own the platform knows. */
  onReturn: () => void
  stop(): Promise<void>
}

/**
 * The metadata store: `COPPICE_DATABASE_URL`, else, at the very first start, `DATABASE_URL`, else a
 * PostgreSQL of the platform's own. `DATABASE_URL` counts only then because users export it for their
 * own programs, often with one of our branches in it (docs/decisions/0004-store.md).
 */
export async function openPlatformStore(
  home: Home,
  options: ServeOptions,
  postgres: Postgres,
  volumes: VolumeDriver,
  log: Logger,
): Promise<PlatformStore> {
  const url = storeUrl(options)
  const onReturn = (): void => {
    renew().catch((error: unknown) => {
      log.warn({ error: describeError(error) }, 'former connections to the store did not end')
    })
  }
  const cluster =
    url === undefined
      ? await startStoreCluster({
          home,
          installation: await storeInstallation(home, postgres),
          user: postgres.databaseUser,
          log,
          onRevived: onReturn,
        })
      : undefined
  const address = cluster?.address ?? { ...(url !== undefined && { url }) }
  const { store: sql, renew } = openRenewable(address)
  const stop = async (): Promise<void> => {
    await sql.end({ timeout: 5 })
    await cluster?.stop()
  }
  try {
    if (await isEmptyStore(sql)) await refuseEmptyStore(volumes)
    await migrateStore(sql)
    const id = await platformId(sql, newName())
    const kind = url === undefined ? 'own' : 'database_url'
    return { sql, address, kind, platformId: id, onReturn, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A store keeps the major version that it was made with; PostgreSQL reads no other's files. */
async function storeInstallation(home: Home, postgres: Postgres): Promise<Installation> {
  const major = await storeVersion(home.store)
  const found = chooseInstallation(postgres.installations, major)
  if (found !== undefined) return found
  throw new AppError(
    'not_available',
    `the metadata store needs PostgreSQL ${major}, which is no longer on this machine; install it again`,
  )
}

function storeUrl({ environment, saved }: ServeOptions): string | undefined {
  if (environment.databaseUrl !== undefined) return environment.databaseUrl
  if (saved.store === undefined) return environment.firstDatabaseUrl
  if (saved.store === 'own') return undefined
  if (environment.firstDatabaseUrl !== undefined) return environment.firstDatabaseUrl
  throw new Error(
    'this platform keeps its metadata in an external PostgreSQL; set COPPICE_DATABASE_URL to it',
  )
}
