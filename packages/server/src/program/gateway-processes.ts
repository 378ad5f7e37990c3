/**
 * The gateway's processes as the operating system has them. Each leaves a file that names it, by pid and
 * start time: those that outlive a killed daemon are found by it.
 */
import { fork } from 'node:child_process'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import {
  identifyProcess,
  isAlive,
  type ProcessIdentity,
  sendSignal,
  waitUntilGone,
} from '../compute/processes.ts'
import { processChannel } from '../gateway/process/channel.ts'
import { siblingSocketPath } from '../gateway/process/sibling-socket.ts'
import type { WorkerProcess } from '../gateway/process/supervisor.ts'
import { errorCode } from '../lib/errors.ts'
import { writeFileAtomically } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'

export const workerCommand = 'gateway-worker'

/** Of their private sockets and of the files that name them: nobody else may pass. */
export function gatewayDirectory(home: Home): string {
  return join(home.sockets, 'gateway')
}

export async function createGatewayDirectory(home: Home): Promise<void> {
  await mkdir(gatewayDirectory(home), { recursive: true, mode: 0o700 })
}

/** Sessions get ten seconds to end what they do, and two to close. */
const endTimeoutMs = 15_000
const killTimeoutMs = 5_000

/** This program's own file, compiled or not. */
const program = fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url))

/**
 * Starts a gateway process. A session of its own keeps the terminal's signals from it: the daemon says
 * when it ends.
 */
export async function spawnWorker(home: Home, number: number): Promise<WorkerProcess> {
  const child = fork(program, [workerCommand], {
    serialization: 'advanced',
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const channel = processChannel(child)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    // Where it was never started.
    child.once('error', () => resolve())
  })
  const { pid } = child
  if (pid === undefined) {
    await exited
    throw new Error('a gateway process could not be started')
  }
  const file = workerFile(home, number)
  const identity = await identifyProcess(pid)
  if (identity) await writeFileAtomically(file, `${JSON.stringify(identity)}\n`)
  return {
    pid,
    channel,
    exited: exited.then(async () => forget(home, number)),
    kill: () => child.kill('SIGKILL'),
  }
}

/** Whether a living process has the number. What a dead one has left is removed. */
export async function isNumberTaken(home: Home, number: number): Promise<boolean> {
  const identity = await readIdentity(workerFile(home, number))
  if (identity === undefined) return false
  if (isAlive(identity)) return true
  await forget(home, number)
  return false
}

/** Processes of the gateway that live, of this daemon or of one before. */
export async function findWorkers(home: Home): Promise<ProcessIdentity[]> {
  const directory = gatewayDirectory(home)
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => readIdentity(join(directory, name))),
  )
  return found.filter((identity) => identity !== undefined).filter(isAlive)
}

/**
 * Ends what earlier daemons have left: their sessions at the next idle moment, the busy ones after a
 * grace. To be called when no daemon runs.
 */
export async function endLeftWorkers(home: Home): Promise<void> {
  const left = await findWorkers(home)
  for (const { pid } of left) sendSignal(pid, 'SIGTERM')
  if (!(await waitUntilGone(left, endTimeoutMs))) {
    for (const identity of left) if (isAlive(identity)) sendSignal(identity.pid, 'SIGKILL')
    await waitUntilGone(left, killTimeoutMs)
  }
  await rm(gatewayDirectory(home), { recursive: true, force: true })
}

function workerFile(home: Home, number: number): string {
  return join(gatewayDirectory(home), `${number}.json`)
}

async function forget(home: Home, number: number): Promise<void> {
  await rm(workerFile(home, number), { force: true })
  await rm(siblingSocketPath(gatewayDirectory(home), number), { force: true })
}

/** Undefined where there is no such file, or a crash has left half of one. */
async function readIdentity(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const found: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isIdentity(found) ? found : undefined
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

function isIdentity(found: unknown): found is ProcessIdentity {
  return (
    typeof found === 'object' &&
    found !== null &&
    'pid' in found &&
    typeof found.pid === 'number' &&
    'startTime' in found &&
    typeof found.startTime === 'string'
  )
}
