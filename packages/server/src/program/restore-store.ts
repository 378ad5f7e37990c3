import { keepOnlySnapshots } from '../control/store/backups.ts'
import { loadTables, readDump } from '../control/store/dump.ts'
import { isUnusedStore, migrateStore, openStore } from '../control/store/store.ts'
import { AppError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import type { Logger } from '../lib/log.ts'
import type { Postgres } from './postgres.ts'
import { startStoreCluster } from './store-cluster.ts'

interface StoreRestore {
  home: Home
  postgres: Postgres
  /** Of an external store. */
  url: string | undefined
  dumpDirectory: string
  /** Volumes that were restored. */
  volumeNames: readonly string[]
  log: Logger
}

/**
 * Fills the platform's own store, or the external one that is named. The rows go into the schema that they
 * were written with, which is then brought up to this code's.
 */
export async function restoreStore(restore: StoreRestore): Promise<'own' | 'database_url'> {
  const { home, postgres, url, dumpDirectory, volumeNames, log } = restore
  const cluster =
    url === undefined
      ? await startStoreCluster({
          home,
          installation: postgres.newest,
          user: postgres.databaseUser,
          log,
        })
      : undefined
  const store = openStore(cluster?.address ?? { ...(url !== undefined && { url }) })
  try {
    if (!(await isUnusedStore(store))) {
      throw new AppError(
        'invalid_request',
        'the database of COPPICE_DATABASE_URL has a platform in it; name an empty one',
      )
    }
    const dump = await readDump(dumpDirectory)
    await migrateStore(store, dump.schema_version)
    await store.begin(async (sql) => {
      await loadTables(sql, dumpDirectory, dump)
      await keepOnlySnapshots(sql, volumeNames)
    })
    await migrateStore(store)
  } finally {
    await store.end({ timeout: 5 })
    await cluster?.stop()
  }
  return url === undefined ? 'own' : 'database_url'
}
