import { availableParallelism } from 'node:os'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import {
  awaitFrozen,
  enterGroup,
  fieldOf,
  makeGroup,
  pageBytes,
  periodMicroseconds,
  readGroupFile,
  removeGroup,
  sweepGroups,
  thawGroup,
  writeGroupFile,
  writeIfThere,
} from './cgroup-files.ts'
import type { ControlGroup, ControlGroups, GroupLimits, MemberGroup } from './control-groups.ts'

/** A directory of each controller, in which this process may make groups. */
export interface V1Places {
  cpu: string
  memory: string
  /** Without these, time is not counted, and nothing frozen. */
  cpuacct: string | undefined
  freezer: string | undefined
}

/** The kernel's default, for a compute that is promised one processor. */
const sharesPerUnit = 1024

/** Control groups of version 1: a tree for each controller (kernel documentation, "cgroup-v1"). */
export function createCgroupV1(places: V1Places, detail: string): ControlGroups {
  return {
    kind: 'cgroup v1',
    detail,
    compute: async (name) => computeGroup(below(places, name)),
    limitAll: async ({ memoryBytes }) => {
      await makeAll(places)
      await writeGroupFile(places.memory, 'memory.limit_in_bytes', memoryBytes ?? -1)
      // Beside the processes of the host, each of which weighs as much as a group.
      await writeGroupFile(places.cpu, 'cpu.shares', sharesPerUnit * availableParallelism())
    },
    sweep: async () => {
      for (const directory of directoriesOf(places)) await sweepGroups(directory)
    },
  }
}

async function computeGroup(places: V1Places): Promise<ControlGroup> {
  await makeAll(places)
  return {
    limit: async (limits) => {
      await limitCpu(places.cpu, limits)
      return limitMemory(places.memory, limits.memoryBytes)
    },
    usage: () => {
      const cpuNs = places.cpuacct && readGroupFile(places.cpuacct, 'cpuacct.usage')
      const memory = readGroupFile(places.memory, 'memory.stat')
      if (!cpuNs || memory === undefined) return undefined
      const cpu = readGroupFile(places.cpu, 'cpu.stat') ?? ''
      return {
        cpuMs: Number(cpuNs) / 1e6,
        throttledMs: fieldOf(cpu, 'throttled_time') / 1e6,
        pinnedBytes: fieldOf(memory, 'total_rss') + fieldOf(memory, 'total_shmem'),
        refaultedBytes: fieldOf(memory, 'total_workingset_refault_file') * pageBytes,
      }
    },
    member: async (endpointId) => memberGroup(below(places, endpointId)),
    remove: async () => removeAll(places),
  }
}

async function memberGroup(places: V1Places): Promise<MemberGroup> {
  await makeAll(places)
  const { freezer } = places
  const thaw = async (): Promise<void> => {
    if (freezer !== undefined) await thawGroup(freezer)
  }
  return {
    enter: (pid) => {
      for (const directory of directoriesOf(places)) enterGroup(directory, pid)
    },
    freeze: async () => {
      if (freezer === undefined) return false
      await writeGroupFile(freezer, 'freezer.state', 'FROZEN')
      return awaitFrozen(() => readGroupFile(freezer, 'freezer.state') === 'FROZEN', thaw)
    },
    thaw,
    remove: async () => {
      await thaw()
      await removeAll(places)
    },
  }
}

async function limitCpu(directory: string, { cpus, weight }: GroupLimits): Promise<void> {
  const quota = Math.round(cpus * periodMicroseconds)
  // The burst of before may be more than the new quota, which the kernel refuses.
  await writeIfThere(directory, 'cpu.cfs_burst_us', 0)
  await writeGroupFile(directory, 'cpu.cfs_period_us', periodMicroseconds)
  await writeGroupFile(directory, 'cpu.cfs_quota_us', quota)
  // What was not used a moment ago: a short query is over before it would have to wait.
  await writeIfThere(directory, 'cpu.cfs_burst_us', quota)
  await writeGroupFile(directory, 'cpu.shares', Math.max(2, Math.round(weight * sharesPerUnit)))
}

/** The kernel makes room first, out of the cache, and refuses where that is not enough. */
async function limitMemory(directory: string, bytes: number): Promise<boolean> {
  try {
    await writeGroupFile(directory, 'memory.limit_in_bytes', bytes)
    return true
  } catch (error) {
    if (errorCode(error) === 'EBUSY') return false
    throw error
  }
}

function below(places: V1Places, name: string): V1Places {
  const inIt = (directory: string | undefined) => directory && join(directory, name)
  return {
    cpu: join(places.cpu, name),
    memory: join(places.memory, name),
    cpuacct: inIt(places.cpuacct),
    freezer: inIt(places.freezer),
  }
}

/** Controllers may share a tree. */
function directoriesOf({ cpu, memory, cpuacct, freezer }: V1Places): string[] {
  const all = [cpu, memory, cpuacct, freezer]
  return [...new Set(all.filter((directory) => directory !== undefined))]
}

async function makeAll(places: V1Places): Promise<void> {
  for (const directory of directoriesOf(places)) await makeGroup(directory)
}

async function removeAll(places: V1Places): Promise<void> {
  for (const directory of directoriesOf(places)) await removeGroup(directory)
}
