import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { Installation } from '../compute/installations.ts'
import { endOrphans } from '../compute/orphans.ts'
import {
  adoptPostmaster,
  findPostmaster,
  type Postmaster,
  type PostmasterOptions,
  startPostmaster,
  stopPostmaster,
} from '../compute/postmaster.ts'
import type { StoreAddress } from '../control/store/store.ts'
import { describeError, errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { isThere, syncDirectory } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'
import type { Logger } from '../lib/log.ts'

/**
 * The platform's own PostgreSQL for its metadata: on the disk of the state directory and not in the
 * pool, so that a full pool does not take the store along; reachable over a private socket only; detached
 * like computes, so that a restarted platform finds it running.
 */
export interface StoreCluster {
  address: StoreAddress
  stop(): Promise<void>
}

interface StoreClusterOptions {
  home: Home
  installation: Installation
  user: OsUser | undefined
  log: Logger
  /** Called when it has died and runs again. */
  onRevived?: () => void
}

const superuser = 'coppice'
const stopTimeoutMs = 30_000

export async function startStoreCluster(options: StoreClusterOptions): Promise<StoreCluster> {
  const { home, user } = options
  const directory = home.store
  const socketDirectory = socketDirectoryOf(home)
  const { dataDirectory, configFile } = places(directory)
  await makePrivate(directory, user)
  await makePrivate(socketDirectory, user)
  if (!(await isThere(join(dataDirectory, 'PG_VERSION')))) await initialize(options, dataDirectory)
  await writeSettings(options)
  const postmasterOptions: PostmasterOptions = {
    binDirectory: options.installation.binDirectory,
    dataDirectory,
    configFile,
    logFile: join(directory, 'postgres.log'),
    user,
  }
  const keeper = await keepRunning(postmasterOptions, options)
  return {
    address: { socketDirectory, username: superuser, database: 'postgres' },
    stop: async () => keeper.stop(),
  }
}

/** Whether a killed platform has left one running. */
export async function isStoreLeft(directory: string): Promise<boolean> {
  const { dataDirectory, configFile } = places(directory)
  return (await findPostmaster(dataDirectory, configFile)) !== undefined
}

/** Stops it, where there is one. */
export async function stopLeftStore(directory: string): Promise<void> {
  await stopFound(places(directory))
}

async function stopFound({
  dataDirectory,
  configFile,
}: Pick<PostmasterOptions, 'dataDirectory' | 'configFile'>): Promise<void> {
  const running = await findPostmaster(dataDirectory, configFile)
  if (running === undefined) return endOrphans(dataDirectory)
  await stopPostmaster(running.pid, { dataDirectory, fastTimeoutMs: stopTimeoutMs })
}

const socketDirectoryOf = (home: Home): string => join(home.sockets, 'store')

function places(directory: string) {
  return {
    dataDirectory: join(directory, 'pgdata'),
    configFile: join(directory, 'postgresql.conf'),
  }
}

/** The major version that the store was made with; undefined where there is none yet. */
export async function storeVersion(directory: string): Promise<number | undefined> {
  try {
    return Number(await readFile(join(directory, 'pgdata', 'PG_VERSION'), 'utf8'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Waits before each attempt to start a store that has died; the last one is repeated. */
const restartDelaysMs = [0, 500, 2_000, 10_000]

/** Starts it, or takes it over, and starts it again whenever it dies. */
async function keepRunning(
  options: PostmasterOptions,
  { log, onRevived }: Pick<StoreClusterOptions, 'log' | 'onRevived'>,
): Promise<{ stop(): Promise<void> }> {
  const run = async (): Promise<Postmaster> =>
    (await adoptPostmaster(options)) ?? (await startPostmaster(options))
  let running = await run()
  let isWanted = true
  const revive = async (): Promise<void> => {
    for (let attempt = 0; isWanted; attempt++) {
      const delayMs = restartDelaysMs[Math.min(attempt, restartDelaysMs.length - 1)]
      await delay(delayMs, undefined, { ref: false })
      if (!isWanted) return
      log.error('the metadata store has died; starting it again')
      try {
        running = await run()
        onRevived?.()
        return
      } catch (error) {
        log.error({ error: describeError(error) }, 'the metadata store does not start')
      }
    }
  }
  const watch = async (): Promise<void> => {
    while (isWanted) {
      await running.exited
      await revive()
    }
  }
  void watch()
  return {
    stop: async () => {
      isWanted = false
      // It may be another one, which is starting after the last has died.
      await stopFound(options)
    },
  }
}

async function initialize(options: StoreClusterOptions, dataDirectory: string): Promise<void> {
  const unfinished = `${dataDirectory}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  const { binDirectory } = options.installation
  await exec(
    join(binDirectory, 'initdb'),
    [
      '-D',
      unfinished,
      '-U',
      superuser,
      '-E',
      'UTF8',
      '--no-locale',
      '-A',
      'peer',
      '--data-checksums',
    ],
    { user: options.user },
  )
  await rename(unfinished, dataDirectory)
  // What is unfinished after a power cut is made anew.
  await syncDirectory(options.home.store)
}

async function writeSettings({ home, user }: StoreClusterOptions): Promise<void> {
  const directory = home.store
  const socketDirectory = socketDirectoryOf(home)
  const files = {
    'postgresql.conf': [
      "listen_addresses = ''",
      'port = 5432',
      `unix_socket_directories = '${socketDirectory.replaceAll("'", "''")}'`,
      'unix_socket_permissions = 0700',
      `hba_file = '${join(directory, 'pg_hba.conf').replaceAll("'", "''")}'`,
      `ident_file = '${join(directory, 'pg_ident.conf').replaceAll("'", "''")}'`,
      'max_connections = 40',
      'shared_buffers = 32MB',
      'max_wal_size = 256MB',
      'min_wal_size = 32MB',
      'max_logical_replication_workers = 0',
      'jit = off',
      // Who keeps it running starts it anew. Of itself PostgreSQL tries once, and where its disk is full then,
      // its postmaster has been seen to stay, without a startup process and for ever.
      'restart_after_crash = off',
      "timezone = 'UTC'",
      "cluster_name = 'coppice-store'",
    ],
    'pg_hba.conf': [`local all ${superuser} peer map=platform`],
    'pg_ident.conf': [...new Set(['root', await platformUserName()])].map(
      (name) => `platform "${name}" ${superuser}`,
    ),
  }
  for (const [name, lines] of Object.entries(files)) {
    const path = join(directory, name)
    await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 })
    if (user) await chown(path, user.uid, user.gid)
  }
}

async function platformUserName(): Promise<string> {
  return (await exec('id', ['-un'])).trim()
}

async function makePrivate(path: string, user: OsUser | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chmod(path, 0o700)
  if (user) await chown(path, user.uid, user.gid)
}
