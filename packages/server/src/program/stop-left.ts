import { join } from 'node:path'

import { sweepGroups, thawGroup } from '../compute/cgroup-files.ts'
import { groupsOfProcess } from '../compute/find-control-groups.ts'
import { ComputeHost } from '../compute/host.ts'
import { endOrphans } from '../compute/orphans.ts'
import { readPidFile } from '../compute/pid-file.ts'
import { stopPostmaster } from '../compute/postmaster.ts'
import { findProcessesIn } from '../compute/processes.ts'
import type { Environment } from '../lib/config.ts'
import { namesIn } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'
import { createLog } from '../lib/log.ts'
import { readSavedConfig } from '../lib/saved-config.ts'
import { endLeftWorkers } from './gateway-processes.ts'
import { claimHome } from './local-socket.ts'
import { findPostgres } from './postgres.ts'
import { isStoreLeft, stopLeftStore } from './store-cluster.ts'

/**
 * Stops what a daemon has left that was killed or could not stop everything: the gateway's processes,
 * computes as a daemon would stop them, also those that it had frozen, recoveries, and the store. Answers
 * whether anything ran. To be called where no daemon answers; one that starts meanwhile is refused.
 */
export async function stopLeft(
  home: Home,
  environment: Environment,
  keepComputes: boolean,
): Promise<boolean> {
  await endLeftWorkers(home)
  const isLeft = (await volumesInUse(home)).length > 0 || (await isStoreLeft(home.store))
  if (!isLeft) return false
  const claim = await claimHome(home, async () => false)
  try {
    const volumes = await volumesInUse(home)
    const platformGroups = await thawAll(volumes)
    if (volumes.length > 0 && !keepComputes) {
      await suspendComputes(home, environment)
      await endOthers(volumes)
      for (const group of platformGroups) await sweepGroups(group)
    }
    await stopLeftStore(home.store)
    return true
  } finally {
    await claim.release()
  }
}

/** Data directories in the pool in which processes work. */
async function volumesInUse(home: Home): Promise<string[]> {
  const volumes = join(home.pool, 'volumes')
  const directories = (await namesIn(volumes))
    .map((name) => join(volumes, name, 'data', 'pgdata'))
    // One that was stopped cleanly has none, and looking for processes takes longer.
    .filter((directory) => readPidFile(directory) !== undefined)
  const found = await Promise.all(
    directories.map(async (directory) => (await findProcessesIn(directory)).length > 0),
  )
  return directories.filter((_, index) => found[index])
}

/** A frozen process does not even end. Answers the platform's groups that they are in. */
async function thawAll(directories: readonly string[]): Promise<Set<string>> {
  const platformGroups = new Set<string>()
  for (const directory of directories) {
    for (const { pid } of await findProcessesIn(directory)) {
      const { own, platform } = groupsOfProcess(pid)
      for (const group of own) await thawGroup(group)
      for (const group of platform) platformGroups.add(group)
    }
  }
  return platformGroups
}

/** With what a daemon reads of them before: roles that were changed since, and what they have used. */
async function suspendComputes(home: Home, environment: Environment): Promise<void> {
  const saved = await readSavedConfig(home.config)
  const postgres = await findPostgres(home, environment, saved.trust_extensions)
  const host = new ComputeHost({
    directory: home.computes,
    runDirectory: home.sockets,
    installations: postgres.installations,
    user: postgres.databaseUser,
    log: createLog({
      level: environment.logLevel,
      file: join(home.logs, 'daemon.log'),
      toStderr: false,
    }),
  })
  await host.start({ recovers: false })
  await host.stop({ suspendComputes: true })
}

/** Recoveries, which the next start begins anew, and children of postmasters that were killed. */
async function endOthers(directories: readonly string[]): Promise<void> {
  for (const dataDirectory of directories) {
    const inside = await findProcessesIn(dataDirectory)
    const pids = new Set(inside.map(({ pid }) => pid))
    for (const { pid } of inside.filter(({ parentPid }) => !pids.has(parentPid))) {
      await stopPostmaster(pid, { dataDirectory, fastTimeoutMs: 0 })
    }
    await endOrphans(dataDirectory)
  }
}
