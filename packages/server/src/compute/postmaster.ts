import { type ChildProcess, spawn } from 'node:child_process'
import { access, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { assert } from '../lib/assert.ts'
import { AppError, errorCode } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { endOrphans, killDeadlineMs } from './orphans.ts'
import { type PidFile, readPidFile } from './pid-file.ts'
import { logEnd, rotateLog } from './postgres-log.ts'
import {
  commandLine,
  identifyProcess,
  isAlive,
  type ProcessIdentity,
  sendSignal,
  waitUntilGone,
  worksIn,
} from './processes.ts'
import { isFreshClone } from './promote-clone.ts'
import { waitUntilReady } from './readiness.ts'
import { postgresPort } from './settings.ts'
import { explainFailure } from './start-failure.ts'

/**
 * One postmaster on one data directory.
 *
 * Postmasters are detached: they outlive this process, and `adoptPostmaster` finds them again from the
 * world alone. PostgreSQL's own lock file keeps two from running on one directory; what it cannot know
 * is added here. Its pid may by now belong to another process, so whose it is gets decided by the
 * process's current directory; whose postmaster it is, by the `config_file` on its command line, which
 * lies in the directory of the compute that owns it. `postmaster.pid` is removed only once nothing is
 * left that works in the data directory.
 */
export interface PostmasterOptions {
  binDirectory: string
  dataDirectory: string
  /** The owner's `postgresql.conf`, outside of the data directory; also the token of ownership. */
  configFile: string
  logFile: string
  /** To run as; undefined runs as this process's user. */
  user: OsUser | undefined
  /** It stays the standby that it starts as, instead of being promoted. */
  isStandby?: boolean
  /** Called as soon as there is a process: before it has done or started anything. */
  onSpawn?: (pid: number) => void
  /** Settings for this start alone, over those of the file. */
  overrides?: Record<string, string>
}

export interface Postmaster {
  pid: number
  socketDirectory: string
  /** Settles when the process is gone, whoever ended it. Never rejects. */
  exited: Promise<void>
}

/** Starts a postmaster and resolves once it accepts connections. Rejects with AppError. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  await requireDataDirectory(options.dataDirectory)
  await clearTheWay(options)
  await rotateLog(options.logFile)
  const logStart = await logEnd(options.logFile)
  const postmaster = await launch(options)
  try {
    return await becomeReady(options, postmaster)
  } catch (error) {
    throw await explainFailure(options.logFile, logStart, error)
  }
}

/**
 * The postmaster that runs on a data directory for this owner, still starting perhaps, or undefined.
 * Rejects with AppError `compute_start_failed` when it runs for another owner.
 */
export async function findPostmaster(
  dataDirectory: string,
  configFile: string,
): Promise<ProcessIdentity | undefined> {
  const pidFile = readPidFile(dataDirectory)
  if (pidFile === undefined) return undefined
  const identity = await identifyProcess(pidFile.pid)
  if (identity === undefined || !(await worksIn(identity.pid, dataDirectory))) return undefined
  if ((await commandLine(identity.pid)).includes(`config_file=${configFile}`)) return identity
  throw new AppError(
    'compute_start_failed',
    `another PostgreSQL server (process ${identity.pid}) runs on this compute's data; stop it first`,
  )
}

/** Takes over a running postmaster, and waits for it where it is still starting. */
export async function adoptPostmaster(options: PostmasterOptions): Promise<Postmaster | undefined> {
  const identity = await findPostmaster(options.dataDirectory, options.configFile)
  if (identity === undefined) return undefined
  const exited = waitForExit(identity)
  try {
    return await becomeReady(options, { identity, exited })
  } catch (error) {
    throw await explainFailure(options.logFile, 0, error)
  }
}

interface Launched {
  identity: ProcessIdentity
  exited: Promise<void>
}

async function launch(options: PostmasterOptions): Promise<Launched> {
  const overrides = {
    config_file: options.configFile,
    data_directory: options.dataDirectory,
    // A clone is promoted before anyone could read from it, and without this PostgreSQL would compare
    // its settings with the parent's (manual, "Hot Standby", administrator's overview).
    ...(isFreshClone(options.dataDirectory) &&
      options.isStandby !== true && { hot_standby: 'off' }),
    ...options.overrides,
  }
  const args = Object.entries(overrides).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const log = await open(options.logFile, 'a', 0o600)
  try {
    const child = spawn(join(options.binDirectory, 'postgres'), args, {
      ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
      cwd: '/',
      // Nothing of ours: no PG* variables, no secrets.
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    if (child.pid !== undefined) options.onSpawn?.(child.pid)
    return await follow(child)
  } finally {
    await log.close()
  }
}

/** The child may run for months: it does not keep this process's event loop alive. */
async function follow(child: ChildProcess): Promise<Launched> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(new Error('cannot run postgres', { cause: error })))
  })
  child.unref()
  assert(child.pid !== undefined, 'a spawned process has a pid')
  const identity = await identifyProcess(child.pid)
  // One that is gone already: any start time will do, since it equals none.
  return { identity: identity ?? { pid: child.pid, startTime: 'gone' }, exited }
}

/** For a process that is not our child. Holds no event loop open. */
async function waitForExit(identity: ProcessIdentity): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (isAlive(identity)) return
      clearInterval(timer)
      resolve()
    }, adoptedPollMs)
    timer.unref()
  })
}

const adoptedPollMs = 100

/** One that does not become ready is ended, so that the next attempt finds the way clear. */
async function becomeReady(
  { dataDirectory, isStandby = false }: PostmasterOptions,
  { identity, exited }: Launched,
): Promise<Postmaster> {
  try {
    const socketDirectory = await waitUntilReady(dataDirectory, {
      pid: identity.pid,
      exited,
      isStandby,
    })
    return { pid: identity.pid, socketDirectory, exited }
  } catch (error) {
    await killPostmaster(identity, dataDirectory)
    throw error
  }
}

/**
 * Makes sure that nothing runs on the data directory any more. Children of a postmaster that was killed
 * notice it only when they next wait for something, and PostgreSQL refuses to start while one of them
 * holds the shared memory ("pre-existing shared memory block is still in use").
 */
async function clearTheWay({ dataDirectory, configFile }: PostmasterOptions): Promise<void> {
  const pidFile = readPidFile(dataDirectory)
  if (pidFile === undefined) return
  if (await findPostmaster(dataDirectory, configFile)) {
    throw new Error('a postmaster is running already; it is adopted, not started again')
  }
  await endOrphans(dataDirectory)
  // Ended computes share their OS user, so PostgreSQL would take any of them that has this pid now for
  // its own postmaster, and also the dead one while nobody has waited for it: in a container perhaps
  // nobody ever does. Nothing works in the directory: the file is a dead one's.
  if (sendSignal(pidFile.pid, 0)) {
    await rm(join(dataDirectory, 'postmaster.pid'), { force: true })
    await removeSocketLock(pidFile)
  }
}

/** The one that goes with a socket, by the same process. */
async function removeSocketLock({ pid, socketDirectory }: PidFile): Promise<void> {
  if (socketDirectory === '') return
  const path = join(socketDirectory, `.s.PGSQL.${postgresPort}.lock`)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    // A start that did not come so far.
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw error
  })
  if (Number.parseInt(text ?? '', 10) === pid) await rm(path, { force: true })
}

async function requireDataDirectory(path: string): Promise<void> {
  try {
    await access(join(path, 'PG_VERSION'))
  } catch (error) {
    throw new AppError('compute_start_failed', "the compute's data directory is not there", {
      cause: error,
    })
  }
}

export interface StopOptions {
  dataDirectory: string
  /** How long a fast shutdown, with its checkpoint, may take. 0 does without one: recovery follows. */
  fastTimeoutMs: number
}

/** The postmaster gives its children 5 s to end before it kills them (`SIGKILL_CHILDREN_AFTER_SECS`). */
const immediateTimeoutMs = 8_000

/**
 * Stops a postmaster and all of its children: fast, then immediate, then by SIGKILL (manual, "Shutting
 * Down the Server"). Resolves when all are gone; may be repeated.
 */
export async function stopPostmaster(pid: number, options: StopOptions): Promise<void> {
  const identity = await identifyProcess(pid)
  const isOurs = identity !== undefined && (await worksIn(pid, options.dataDirectory))
  if (!isOurs) return endOrphans(options.dataDirectory)
  if (options.fastTimeoutMs > 0) {
    sendSignal(pid, 'SIGINT')
    if (await waitUntilGone([identity], options.fastTimeoutMs)) return
  }
  sendSignal(pid, 'SIGQUIT')
  if (await waitUntilGone([identity], immediateTimeoutMs)) return
  await killPostmaster(identity, options.dataDirectory)
}

async function killPostmaster(identity: ProcessIdentity, dataDirectory: string): Promise<void> {
  if (isAlive(identity)) sendSignal(identity.pid, 'SIGKILL')
  await waitUntilGone([identity], killDeadlineMs)
  await endOrphans(dataDirectory)
}
