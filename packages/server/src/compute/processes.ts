import { readFileSync, statSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

import { errorCode } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'

/**
 * Processes that are not our children. A pid alone names whichever process has it now; together with
 * its start time it names one process for good.
 */
export interface ProcessIdentity {
  pid: number
  /** As the kernel tells it; only compared. */
  startTime: string
}

const isLinux = process.platform === 'linux'

/** The process that has this pid now, or undefined. A zombie counts as gone. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const startTime = isLinux ? readStartTime(pid) : await askStartTime(pid)
  return startTime === undefined ? undefined : { pid, startTime }
}

export function isAlive(identity: ProcessIdentity): boolean {
  if (isLinux) return readStartTime(identity.pid) === identity.startTime
  // Asking `ps` each time would cost an exec; a pid is not reused within the seconds that this is polled.
  return sendSignal(identity.pid, 0)
}

/** Whether the signal was delivered; false when the process is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
    if (errorCode(error) === 'EPERM' && signal === 0) return true
    throw error
  }
}

/** Waits until all are gone; answers whether they are. */
export async function waitUntilGone(
  processes: readonly ProcessIdentity[],
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (processes.some(isAlive)) {
    if (performance.now() >= deadline) return false
    await delay(pollIntervalMs)
  }
  return true
}

/** The end of a process that is not a child cannot be awaited on every system; a look costs 20 µs. */
const pollIntervalMs = 4

/**
 * Whether a process works in a directory. The postmaster and its children keep PostgreSQL's data
 * directory as their current one, and the link in `/proc` follows it through renames.
 */
export async function worksIn(pid: number, directory: string): Promise<boolean> {
  if (!isLinux) return (await askCommand(pid)).includes(directory)
  try {
    const [working, wanted] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(directory)])
    return working.dev === wanted.dev && working.ino === wanted.ino
  } catch (error) {
    if (isGoneOrForeign(error)) return false
    throw error
  }
}

/** The command line's arguments; empty for a process that is gone. */
export async function commandLine(pid: number): Promise<string[]> {
  if (!isLinux) return (await askCommand(pid)).split(' ')
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  } catch (error) {
    if (isGoneOrForeign(error)) return []
    throw error
  }
}

/**
 * All processes that work in a directory. On Linux only: elsewhere none is found, and PostgreSQL's own
 * check of its shared memory has to do.
 */
export async function findProcessesIn(directory: string): Promise<ChildIdentity[]> {
  if (!isLinux) return []
  const wanted = await stat(directory).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
  })
  if (wanted === undefined) return []
  const found: ChildIdentity[] = []
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || !isCurrentDirectory(pid, wanted)) continue
    const status = readStatus(pid)
    if (status) found.push({ pid, ...status })
  }
  return found
}

export interface ChildIdentity extends ProcessIdentity {
  parentPid: number
}

function isCurrentDirectory(pid: number, wanted: { dev: number; ino: number }): boolean {
  try {
    const working = statSync(`/proc/${pid}/cwd`)
    return working.dev === wanted.dev && working.ino === wanted.ino
  } catch (error) {
    if (isGoneOrForeign(error)) return false
    throw error
  }
}

/** Fields of `/proc/<pid>/stat` after the command's name, which may itself hold spaces and brackets. */
const stateField = 0
const parentField = 1
const startTimeField = 19

function readStartTime(pid: number): string | undefined {
  return readStatus(pid)?.startTime
}

function readStatus(pid: number): { startTime: string; parentPid: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const startTime = fields[startTimeField]
    const isGone = fields[stateField] === 'Z' || fields[stateField] === 'X'
    if (isGone || startTime === undefined) return undefined
    return { startTime, parentPid: Number(fields[parentField]) }
  } catch (error) {
    if (isGoneOrForeign(error)) return undefined
    throw error
  }
}

/** All of a postmaster's processes are its direct children. */
export async function childrenOf(pid: number): Promise<number[]> {
  try {
    const tasks = await readdir(`/proc/${pid}/task`)
    const lists = await Promise.all(
      tasks.map(async (task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8')),
    )
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
  } catch {
    // No Linux, a kernel without the list, or a process that is gone.
    return []
  }
}

/** Whether a process is another, or above or below it in the tree of processes. Linux only. */
export function isAncestorOrDescendant(pid: number, of: number): boolean {
  return isSelfOrAncestor(pid, of) || isSelfOrAncestor(of, pid)
}

function isSelfOrAncestor(pid: number, of: number): boolean {
  for (let current = of; current > 1; current = readStatus(current)?.parentPid ?? 0) {
    if (current === pid) return true
  }
  return pid === 1
}

function isGoneOrForeign(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR'].includes(errorCode(error) ?? '')
}

async function askStartTime(pid: number): Promise<string | undefined> {
  const answer = await exec('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => '')
  return answer.trim() || undefined
}

async function askCommand(pid: number): Promise<string> {
  const answer = await exec('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => '')
  return answer.trim()
}
