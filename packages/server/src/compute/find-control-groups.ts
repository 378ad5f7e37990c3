import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { describeError, errorCode } from '../lib/errors.ts'
import { bytesPerUnit } from './autoscaler.ts'
import { enterGroup, makeGroup, readGroupFile, writeGroupFile } from './cgroup-files.ts'
import { createCgroupV1 } from './cgroup-v1.ts'
import { controllers, createCgroupV2 } from './cgroup-v2.ts'
import { type ControlGroups, noControlGroups } from './control-groups.ts'
import { isAncestorOrDescendant } from './processes.ts'

/** What the kernel tells of this process's groups; `/proc/self` unless it is a test's. */
interface Surroundings {
  /** Lines of `/proc/self/mountinfo`. */
  mountInfo: string
  /** Lines of `/proc/self/cgroup`. */
  ownGroups: string
}

/** The group that this process moves itself to: in v2 one with groups below it may have no processes. */
const ownLeaf = 'coppice-platform'

const delegate =
  'run the platform as root, or as a systemd service with Delegate=yes (for a try: `systemd-run --user --scope -p Delegate=yes coppice up`)'

/**
 * The control groups that this process may use. They are made below its own group, so that whatever
 * limits this process, a container or a service, limits its computes too. `name` tells those of one
 * platform from another's. Never rejects: without any there is a reason instead. `mayMove` lets it move
 * itself into a group of its own where v2 asks for that; looking alone changes nothing.
 */
export async function findControlGroups(
  name: string,
  { mayMove = true, surroundings = readSurroundings() }: FindOptions = {},
): Promise<ControlGroups> {
  if (surroundings === undefined) {
    return noControlGroups('control groups are a part of Linux, and this is another system')
  }
  try {
    const found = await openGroups(surroundings, groupName(name), mayMove)
    if (mayMove) await tryOut(found)
    return found
  } catch (error) {
    return noControlGroups(`control groups cannot be used: ${describeError(error)}`)
  }
}

async function openGroups(
  around: Surroundings,
  name: string,
  mayMove: boolean,
): Promise<ControlGroups> {
  const v2 = findV2(around)
  if (v2 !== undefined) return openV2(v2, name, mayMove)
  const v1 = findV1(around)
  if (v1 !== undefined) return openV1(v1, name)
  return noControlGroups('no control groups for cpu and memory are mounted here')
}

/** What a kernel or a container refuses is better known before a compute depends on it. */
async function tryOut(groups: ControlGroups): Promise<void> {
  const group = await groups.compute('trial')
  await group.limit({ cpus: 1, memoryBytes: bytesPerUnit, weight: 1 })
  await (await group.member('trial')).remove()
  await group.remove()
}

interface FindOptions {
  mayMove?: boolean
  surroundings?: Surroundings | undefined
}

/** The name of a group is a path's part; that of a platform is its directory. */
function groupName(name: string): string {
  return `coppice-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
}

function readSurroundings(pid: number | 'self' = 'self'): Surroundings | undefined {
  try {
    return {
      mountInfo: readFileSync('/proc/self/mountinfo', 'utf8'),
      ownGroups: readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    }
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

/** In a group's path, the part that is one platform's. */
const platformPart = /\/coppice-[0-9a-f]{8}(?=\/|$)/

/** What a platform has put a process into: one group in each tree that this process can reach. */
export interface ProcessGroups {
  /** The process's own. */
  own: string[]
  /** Of the platform. */
  platform: string[]
}

/** Nothing where no platform has put it into groups. */
export function groupsOfProcess(pid: number): ProcessGroups {
  const found: ProcessGroups = { own: [], platform: [] }
  const around = readSurroundings(pid)
  if (around === undefined) return found
  const paths = around.ownGroups.split('\n').map((line) => line.split(':').slice(2).join(':'))
  for (const { mountPoint } of groupMounts(around)) {
    for (const path of new Set(paths)) {
      const part = platformPart.exec(path)
      if (part === null) continue
      // Within a container the path may begin with what is outside of it.
      const [before, below] = [path.slice(0, part.index), path.slice(part.index)]
      const start = existsSync(join(mountPoint, path)) ? join(mountPoint, before) : mountPoint
      if (!existsSync(join(start, below))) continue
      found.own.push(join(start, below))
      found.platform.push(join(start, part[0]))
    }
  }
  return found
}

interface Mount {
  mountPoint: string
  kind: string
  options: string[]
}

function groupMounts({ mountInfo }: Surroundings): Mount[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [kind = '', , options = ''] = after.split(' ')
    const mountPoint = before.split(' ')[4]
    if (!kind.startsWith('cgroup') || mountPoint === undefined) return []
    return [{ mountPoint, kind, options: options.split(',') }]
  })
}

/** Of lines `number:controllers:path`; within a container the path may be one of outside. */
function ownDirectory(mountPoint: string, path: string | undefined): string {
  const own = join(mountPoint, path ?? '/')
  return existsSync(own) ? own : mountPoint
}

function findV2(around: Surroundings): string | undefined {
  const mount = groupMounts(around).find(({ kind }) => kind === 'cgroup2')
  if (mount === undefined) return undefined
  const path = /^0::(.*)$/m.exec(around.ownGroups)?.[1]
  const own = ownDirectory(mount.mountPoint, path)
  const base = basename(own) === ownLeaf ? dirname(own) : own
  const offered = (readGroupFile(base, 'cgroup.controllers') ?? '').split(' ')
  // On a hybrid system the tree of v2 is there and has no controllers.
  return offered.includes('memory') || offered.includes('cpu') ? base : undefined
}

async function openV2(base: string, name: string, mayMove: boolean): Promise<ControlGroups> {
  const offered = (readGroupFile(base, 'cgroup.controllers') ?? '').split(' ')
  if (!offered.includes('memory') || !offered.includes('cpu')) {
    return noControlGroups(`cgroup v2 offers ${offered.join(', ')} in ${base}; ${delegate}`)
  }
  if (!isWritable(base)) return noControlGroups(`cgroup v2 in ${base} is not yours; ${delegate}`)
  const strangers = strangersIn(base)
  if (strangers > 0) {
    return noControlGroups(
      `cgroup v2 in ${base} is shared with ${strangers} processes that are not the platform's; ${delegate}`,
    )
  }
  if (mayMove) await handOn(base)
  return createCgroupV2(join(base, name), `cgroup v2 in ${base}`)
}

function processesIn(directory: string): number[] {
  const text = readGroupFile(directory, 'cgroup.procs') ?? ''
  // A process of outside a container is shown as 0.
  return text.split('\n').filter(Boolean).map(Number)
}

/** The kernel's own root may have processes beside groups, so nobody has to move there. */
function isRoot(base: string): boolean {
  return readGroupFile(base, 'cgroup.type') === undefined
}

function strangersIn(base: string): number {
  if (isRoot(base)) return 0
  return processesIn(base).filter((pid) => !isAncestorOrDescendant(pid, process.pid)).length
}

/** Has the groups below get processors and memory to divide; whoever is in the way moves into a leaf. */
async function handOn(base: string): Promise<void> {
  const enabled = (readGroupFile(base, 'cgroup.subtree_control') ?? '').split(' ')
  if (enabled.includes('cpu') && enabled.includes('memory')) return
  if (!isRoot(base)) {
    const leaf = join(base, ownLeaf)
    await makeGroup(leaf)
    for (const pid of processesIn(base)) enterGroup(leaf, pid)
  }
  await writeGroupFile(base, 'cgroup.subtree_control', controllers)
}

interface V1Bases {
  cpu: string
  memory: string
  cpuacct: string | undefined
  freezer: string | undefined
}

function findV1(around: Surroundings): V1Bases | undefined {
  const mounts = groupMounts(around).filter(({ kind }) => kind === 'cgroup')
  const baseOf = (controller: string): string | undefined => {
    const mount = mounts.find(({ options }) => options.includes(controller))
    if (mount === undefined) return undefined
    const line = around.ownGroups
      .split('\n')
      .map((one) => one.split(':'))
      .find(([, names = '']) => names.split(',').includes(controller))
    return ownDirectory(mount.mountPoint, line?.slice(2).join(':'))
  }
  const [cpu, memory] = [baseOf('cpu'), baseOf('memory')]
  if (cpu === undefined || memory === undefined) return undefined
  return { cpu, memory, cpuacct: baseOf('cpuacct'), freezer: baseOf('freezer') }
}

function openV1(bases: V1Bases, name: string): ControlGroups {
  const foreign = [bases.cpu, bases.memory].find((directory) => !isWritable(directory))
  if (foreign !== undefined) {
    return noControlGroups(`cgroup v1 in ${foreign} is not yours; run the platform as root`)
  }
  const usable = (directory: string | undefined): string | undefined =>
    directory !== undefined && isWritable(directory) ? join(directory, name) : undefined
  const places = {
    cpu: join(bases.cpu, name),
    memory: join(bases.memory, name),
    cpuacct: usable(bases.cpuacct),
    freezer: usable(bases.freezer),
  }
  return createCgroupV1(places, `cgroup v1 in ${dirname(places.cpu)}`)
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    accessSync(join(directory, 'cgroup.procs'), constants.W_OK)
    return true
  } catch {
    return false
  }
}
