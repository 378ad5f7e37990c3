import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

import { thawGroup } from '../../packages/server/src/compute/cgroup-files.ts'
import { groupsOfProcess } from '../../packages/server/src/compute/find-control-groups.ts'
import { readPidFile } from '../../packages/server/src/compute/pid-file.ts'
import { homePaths } from '../../packages/server/src/lib/home.ts'
import { isAlive, type TestPlatform, until } from '../platform.ts'

/** A platform's processes, as the operating system has them: nothing of this asks the platform. */
export interface Process {
  pid: number
  parentPid: number
  /** The kernel's letter: `T` is stopped. */
  state: string
  directory: string
  command: string
}

function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      pid,
      parentPid: Number(parent),
      state,
      directory: readlinkSync(`/proc/${pid}/cwd`),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    }
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

function allProcesses(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? [])
}

/** PostgreSQL's processes on the platform's disk: of its store, its computes, its recoveries. */
export function postgresProcesses({ home }: TestPlatform): Process[] {
  return allProcesses().filter(({ directory }) => directory.startsWith(`${home}/`))
}

/** Command lines of all that is the platform's. */
export function platformCommands(platform: TestPlatform): string[] {
  const pids = [daemonPid(platform), ...gatewayPids(platform)]
  return [...pids.flatMap((pid) => readProcess(pid) ?? []), ...postgresProcesses(platform)].map(
    ({ command }) => command,
  )
}

/** The postmasters among them. */
export function findPostmasters(platform: TestPlatform): Process[] {
  const all = postgresProcesses(platform)
  const pids = new Set(all.map(({ pid }) => pid))
  return all.filter(({ parentPid }) => !pids.has(parentPid))
}

export function daemonPid({ home }: TestPlatform): number {
  const { pid } = JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')) as { pid: number }
  return pid
}

export function gatewayPids({ home }: TestPlatform): number[] {
  const directory = join(homePaths(home).sockets, 'gateway')
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as { pid: number })
    .map(({ pid }) => pid)
}

export function storePid({ home }: TestPlatform): number | undefined {
  return readPidFile(join(home, 'store', 'pgdata'))?.pid
}

export const isStopped = (pid: number): boolean => readProcess(pid)?.state === 'T'

/** `kill -9`, and waits until they are gone. What is frozen could not end, and is let go on for it. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  for (const pid of pids) await thaw(pid)
  const isGone = (pid: number): boolean => (readProcess(pid)?.state ?? 'Z') === 'Z'
  await until(async () => pids.every(isGone), `processes ${pids.join()} are dead`)
}

async function thaw(pid: number): Promise<void> {
  for (const group of groupsOfProcess(pid).own) {
    // Its group goes with it.
    await thawGroup(group).catch(() => undefined)
  }
}

/** The end of a machine: the daemon, the gateway and every PostgreSQL, all at once. */
export async function killEverything(platform: TestPlatform): Promise<void> {
  const pids = [daemonPid(platform), ...gatewayPids(platform)]
  await killAll([...pids, ...postgresProcesses(platform).map(({ pid }) => pid)])
  // A postmaster may have been about to start a child.
  await killAll(postgresProcesses(platform).map(({ pid }) => pid))
}
