import { availableParallelism } from 'node:os'
import { join } from 'node:path'

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

/** The kernel's default, for a compute that is promised one processor; 1 to 10000. */
const weightPerUnit = 100

export const controllers = '+cpu +memory'

/**
 * Control groups of version 2 (kernel documentation, "Control Group v2"), in a directory whose parent
 * hands the controllers for processors and memory on to it.
 */
export function createCgroupV2(directory: string, detail: string): ControlGroups {
  const make = async (): Promise<void> => {
    await makeGroup(directory)
    await writeGroupFile(directory, 'cgroup.subtree_control', controllers)
  }
  return {
    kind: 'cgroup v2',
    detail,
    compute: async (name) => {
      await make()
      return computeGroup(join(directory, name))
    },
    limitAll: async ({ memoryBytes }) => {
      await make()
      await writeGroupFile(directory, 'memory.max', memoryBytes ?? 'max')
      await writeGroupFile(directory, 'cpu.weight', weightPerUnit * availableParallelism())
    },
    sweep: async () => sweepGroups(directory),
  }
}

async function computeGroup(directory: string): Promise<ControlGroup> {
  await makeGroup(directory)
  await writeGroupFile(directory, 'cgroup.subtree_control', controllers)
  return {
    limit: async (limits) => {
      await limitCpu(directory, limits)
      return limitMemory(directory, limits.memoryBytes)
    },
    usage: () => {
      const cpu = readGroupFile(directory, 'cpu.stat')
      const memory = readGroupFile(directory, 'memory.stat')
      if (cpu === undefined || memory === undefined) return undefined
      return {
        cpuMs: fieldOf(cpu, 'usage_usec') / 1e3,
        throttledMs: fieldOf(cpu, 'throttled_usec') / 1e3,
        pinnedBytes: fieldOf(memory, 'anon') + fieldOf(memory, 'shmem'),
        refaultedBytes: fieldOf(memory, 'workingset_refault_file') * pageBytes,
      }
    },
    member: async (endpointId) => memberGroup(join(directory, endpointId)),
    remove: async () => removeGroup(directory),
  }
}

async function memberGroup(directory: string): Promise<MemberGroup> {
  await makeGroup(directory)
  const thaw = async (): Promise<void> => thawGroup(directory)
  return {
    enter: (pid) => enterGroup(directory, pid),
    freeze: async () => {
      if (readGroupFile(directory, 'cgroup.freeze') === undefined) return false
      await writeGroupFile(directory, 'cgroup.freeze', 1)
      const isFrozen = (): boolean =>
        fieldOf(readGroupFile(directory, 'cgroup.events') ?? '', 'frozen') === 1
      return awaitFrozen(isFrozen, thaw)
    },
    thaw,
    remove: async () => {
      await thaw()
      await removeGroup(directory)
    },
  }
}

async function limitCpu(directory: string, { cpus, weight }: GroupLimits): Promise<void> {
  const quota = Math.round(cpus * periodMicroseconds)
  // The burst of before may be more than the new quota, which the kernel refuses.
  await writeIfThere(directory, 'cpu.max.burst', 0)
  await writeGroupFile(directory, 'cpu.max', `${quota} ${periodMicroseconds}`)
  await writeIfThere(directory, 'cpu.max.burst', quota)
  const inBounds = Math.min(Math.max(Math.round(weight * weightPerUnit), 1), 10_000)
  await writeGroupFile(directory, 'cpu.weight', inBounds)
}

/**
 * Below what is in use, `memory.max` would kill at once. So room is made first, out of the cache, by
 * `memory.high`, and the limit only set where that was enough.
 */
async function limitMemory(directory: string, bytes: number): Promise<boolean> {
  await writeGroupFile(directory, 'memory.high', bytes)
  const isEnough = Number(readGroupFile(directory, 'memory.current') ?? 0) <= bytes
  if (isEnough) await writeGroupFile(directory, 'memory.max', bytes)
  await writeGroupFile(directory, 'memory.high', 'max')
  return isEnough
}
