import { appendFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { configFilePath, writeConfigFiles } from '../../compute/config-files.ts'
import { chooseInstallation } from '../../compute/installations.ts'
import {
  findPostmaster,
  type PostmasterOptions,
  startPostmaster,
  stopPostmaster,
} from '../../compute/postmaster.ts'
import { replayPreparedTransactions } from '../../compute/settings.ts'
import { type ComputeSpec, plainSpec } from '../../compute/spec.ts'
import { explainFailure } from '../../compute/start-failure.ts'
import {
  type Cluster,
  clusterAt,
  platformDatabase,
  reloadConfiguration,
} from '../../compute/superuser.ts'
import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { volumeDataDirectory } from '../volumes.ts'

/**
 * A PostgreSQL that only makes a volume what it should be, before anyone is told of it: it recovers, is
 * asked and changed through its private socket, and is stopped cleanly. It is nobody's compute.
 */
export interface ReplayOptions {
  volumeId: string
  pgVersion: number
  /** Of the branch. */
  pgSettings: Record<string, string>
}

/** It may use what several computes of the size that it is for would. */
export const replayUnits = 4
const stopTimeoutMs = 300_000

export async function replay<T>(
  context: Context,
  options: ReplayOptions,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { directory, socketDirectory, dataDirectory } = places(context, options.volumeId)
  const installation = chooseInstallation(context.installations, options.pgVersion)
  if (installation === undefined) {
    throw new AppError(
      'compute_start_failed',
      `PostgreSQL ${options.pgVersion} is not installed on this host any more`,
    )
  }
  await mkdir(directory, { recursive: true, mode: 0o711 })
  const user = context.databaseUser
  await writeConfigFiles(
    replaySpec(options, dataDirectory),
    { directory, socketDirectory, user },
    installation,
  )
  const postmasterOptions: PostmasterOptions = {
    binDirectory: installation.binDirectory,
    dataDirectory,
    configFile: configFilePath(directory),
    logFile: join(directory, 'postgres.log'),
    user,
    // Nobody reads before it is done, and nothing of its own is going on when it is stopped.
    overrides: {
      hot_standby: 'off',
      autovacuum: 'off',
      max_wal_size: '4GB',
      max_prepared_transactions: String(replayPreparedTransactions),
    },
  }
  const startedMs = performance.now()
  const postmaster = await startPostmaster(postmasterOptions)
  const readyMs = performance.now()
  let doneMs = readyMs
  try {
    const cluster = clusterAt(postmaster.socketDirectory)
    await quieten(cluster, postmasterOptions)
    return await work(cluster)
  } finally {
    doneMs = performance.now()
    await stopPostmaster(postmaster.pid, { dataDirectory, fastTimeoutMs: stopTimeoutMs })
    await remove(directory, socketDirectory)
    context.log.info(
      {
        volume: options.volumeId,
        start_ms: Math.round(readyMs - startedMs),
        work_ms: Math.round(doneMs - readyMs),
        stop_ms: Math.round(performance.now() - doneMs),
      },
      'replayed',
    )
  }
}

/**
 * Functions of users may run from here on, and say as much as they like to a log that is not in the pool. Why
 * it would not start has been told, and errors are told to whoever asked.
 */
async function quieten(
  cluster: Cluster,
  { configFile, logFile }: PostmasterOptions,
): Promise<void> {
  try {
    await appendFile(configFile, 'log_min_messages = fatal\n')
    await cluster.withSuperuser(platformDatabase, reloadConfiguration)
  } catch (error) {
    // One that ends before its work begins has not started, for all that it can be of use.
    throw await explainFailure(logFile, 0, error)
  }
}

/** Ends what a crash of this process may have left running on a volume. Idempotent. */
export async function endReplay(context: Context, volumeId: string): Promise<void> {
  const { directory, socketDirectory, dataDirectory } = places(context, volumeId)
  const running = await findPostmaster(dataDirectory, configFilePath(directory)).catch(
    () => undefined,
  )
  if (running) await stopPostmaster(running.pid, { dataDirectory, fastTimeoutMs: 0 })
  await remove(directory, socketDirectory)
}

async function remove(...directories: string[]): Promise<void> {
  for (const directory of directories) await rm(directory, { recursive: true, force: true })
}

function places(context: Context, volumeId: string) {
  const { replayDirectory, socketDirectory } = context.history
  return {
    directory: join(replayDirectory, volumeId),
    socketDirectory: join(socketDirectory, `replay-${volumeId.slice(-12)}`),
    dataDirectory: volumeDataDirectory(context.volumes, volumeId),
  }
}

function replaySpec(options: ReplayOptions, dataDirectory: string): ComputeSpec {
  return {
    ...plainSpec,
    endpointId: `replay-${options.volumeId}`,
    dataDirectory,
    pgVersion: options.pgVersion,
    minComputeUnits: replayUnits,
    maxComputeUnits: replayUnits,
    pgSettings: options.pgSettings,
  }
}
