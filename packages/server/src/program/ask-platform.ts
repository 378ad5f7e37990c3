import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

import type { WorkerReport } from '../gateway/process/supervisor.ts'
import { AppError, errorCode } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'

/** Questions to the platform of a home, over its private socket (`local-socket.ts`). */
export const socketPath = (home: Home): string => join(home.sockets, 'platform.sock')

/** Of a connection that is a conversation from then on (`hold-socket.ts`). */
export const upgradeTo = 'coppice-hold'

const answerTimeoutMs = 5_000
/** Before it is taken for one that hangs: a busy machine may keep it from answering for a while. */
const patientTimeoutMs = 20_000
/** Suspending hundreds of computes, each with its checkpoint, takes a while. */
const shutdownTimeoutMs = 590_000
const exitTimeoutMs = 10_000
const exitPollMs = 20
/** Each process of the gateway has a minute to begin. */
const restartTimeoutMs = 300_000

/** What the running platform of this home says of itself; undefined where none runs. */
export async function askPlatform(home: Home): Promise<Record<string, unknown> | undefined> {
  return advised(home, ask(socketPath(home), 'GET', '/', answerTimeoutMs))
}

/**
 * Asks the running platform to stop and waits until its process has: `whole`, or with parts `left` that did
 * not stop in their time; `absent` where none runs. Rejects with AppError `not_available` where it does not
 * answer at all.
 */
export async function stopPlatform(
  home: Home,
  keepComputes: boolean,
): Promise<'whole' | 'left' | 'absent'> {
  const path = socketPath(home)
  const first = await advised(home, ask(path, 'GET', '/', patientTimeoutMs))
  if (first === undefined) return 'absent'
  const url = keepComputes ? '/shutdown?keep_computes' : '/shutdown'
  const stopping = ask(path, 'POST', url, shutdownTimeoutMs).catch(goneMeanwhile)
  const answer = await advised(home, stopping)
  await untilGone(path)
  return answer?.['is_whole'] === true ? 'whole' : 'left'
}

/** What can be done where something listens, and does not answer. */
async function advised<T>(home: Home, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof Silence)) throw error
    const pid = await pidOf(home)
    const [which, kill] = pid === undefined ? ['', ''] : [` (process ${pid})`, `: kill -9 ${pid}`]
    throw new AppError(
      'not_available',
      `the platform${which} does not answer; end it${kill}, then run \`coppice down\`. ` +
        'Nothing that was committed is lost by that',
    )
  }
}

/** Its process ends a moment after it has answered. Somebody may start another one at once. */
async function untilGone(path: string): Promise<void> {
  const deadline = performance.now() + exitTimeoutMs
  while (performance.now() < deadline) {
    const answer = ask(path, 'GET', '/', answerTimeoutMs)
    if ((await answer.catch(() => 'still there')) === undefined) return
    await delay(exitPollMs)
  }
}

/** It may be killed while it stops: what it leaves is looked for then. */
function goneMeanwhile(error: unknown): undefined {
  if (errorCode(error) !== 'ECONNRESET') throw error
}

/** As the platform has written it down when it was ready. */
async function pidOf(home: Home): Promise<number | undefined> {
  const text = await readFile(home.run, 'utf8').catch(() => '{}')
  return (JSON.parse(text) as { pid?: number }).pid
}

/** An address that signs its reader in to the web console, once. */
export async function createConsoleLink(home: Home): Promise<Record<string, unknown>> {
  return askRunning(home, 'POST', '/console/link', answerTimeoutMs)
}

/** Sets the password of the web console and ends the sessions of the one before. */
export async function setConsolePassword(
  home: Home,
  password: string,
): Promise<Record<string, unknown>> {
  return askRunning(home, 'POST', '/console/password', answerTimeoutMs, password)
}

/** Replaces the gateway's processes one by one; resolves when the new ones serve. */
export async function restartGateway(home: Home): Promise<void> {
  await askRunning(home, 'POST', '/gateway/restart', restartTimeoutMs)
}

/** The gateway's processes; none where the daemon itself is the gateway. */
export async function askGatewayWorkers(home: Home): Promise<WorkerReport[]> {
  const { workers } = await askRunning(home, 'GET', '/gateway', answerTimeoutMs * 2)
  // As `GatewayOperations.workers` has said it.
  return workers as WorkerReport[]
}

async function askRunning(
  home: Home,
  method: string,
  url: string,
  timeoutMs: number,
  body = '',
): Promise<Record<string, unknown>> {
  const answer = await advised(home, ask(socketPath(home), method, url, timeoutMs, body))
  if (answer === undefined) throw notRunning()
  const { error } = answer
  if (typeof error === 'string') throw new AppError('internal', error)
  return answer
}

/** Rejects with AppError where no platform of this home runs, or it is starting still. */
export async function openConversation(home: Home): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: socketPath(home),
      headers: { connection: 'Upgrade', upgrade: upgradeTo },
      timeout: answerTimeoutMs,
    })
    outgoing.on('upgrade', (_, connection) => {
      connection.setTimeout(0)
      resolve(connection)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Silence()))
    outgoing.on('error', (error) => {
      if (isNobody(error)) reject(notRunning())
      else if (errorCode(error) === 'ECONNRESET') {
        reject(new AppError('invalid_request', 'the platform is starting still; try again'))
      } else reject(error)
    })
    outgoing.end()
  })
}

/** Nothing listens. */
const isNobody = (error: unknown): boolean =>
  ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '')

/** Something listens, and does not answer. */
class Silence extends Error {
  constructor() {
    super('the platform does not answer')
  }
}

const notRunning = (): AppError =>
  new AppError('invalid_request', 'the platform does not run; `coppice up` starts it')

async function ask(
  path: string,
  method: string,
  url: string,
  timeoutMs: number,
  body = '',
): Promise<Record<string, unknown> | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: path, method, path: url, timeout: timeoutMs })
    outgoing.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => resolve(JSON.parse(text) as Record<string, unknown>))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Silence()))
    outgoing.on('error', (error) => {
      if (isNobody(error)) resolve(undefined)
      else reject(error)
    })
    outgoing.end(body)
  })
}
