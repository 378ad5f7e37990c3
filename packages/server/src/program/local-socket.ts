import { chmod, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

import type { WorkerReport } from '../gateway/process/supervisor.ts'
import { AppError, describeError, errorCode } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'

/**
 * The platform's private socket, `<sockets>/platform.sock`, mode 0600: whoever holds it is the one
 * platform of this home, and its owner can ask it to say where it is and to stop. A killed platform
 * leaves a socket file that nobody answers on; it is replaced.
 */
export interface LocalSocket {
  /** What `GET /` answers from now on; until then the platform is starting. */
  describe(description: unknown): void
  /** What `GET /gateway` and `POST /gateway/restart` do from now on; until then there is no gateway. */
  operate(gateway: GatewayOperations): void
  /** What `POST /console/link` and `POST /console/password` do from now on. */
  admit(console: ConsoleOperations): void
  /** Gives the home up again. */
  release(): Promise<void>
  /** Who talks over a connection that has been upgraded, from now on; until then nobody does. */
  converse(attend: (connection: Duplex) => void): void
}

/** What the platform's owner can do with the web console, from the machine itself. */
export interface ConsoleOperations {
  /** An address that signs the owner in, once. */
  createLink(): string
  setPassword(password: string): Promise<void>
}

/** What an operator can do with the gateway. */
export interface GatewayOperations {
  restart(): Promise<void>
  workers(): Promise<WorkerReport[]>
}

const answerTimeoutMs = 5_000
/** Before it is taken for one that hangs: a busy machine may keep it from answering for a while. */
const patientTimeoutMs = 20_000
/** A password. */
const bodyMaxChars = 4096
/** Suspending hundreds of computes, each with its checkpoint, takes a while. */
const shutdownTimeoutMs = 590_000
const exitTimeoutMs = 10_000
const exitPollMs = 20
/** Each process of the gateway has a minute to begin. */
const restartTimeoutMs = 300_000

const socketPath = (home: Home): string => join(home.sockets, 'platform.sock')

/**
 * Rejects with `AppError` when a platform of this home is running. `onShutdown` answers whether all has
 * stopped.
 */
export async function claimHome(
  home: Home,
  onShutdown: (keepComputes: boolean) => Promise<boolean>,
): Promise<LocalSocket> {
  const path = socketPath(home)
  let description: unknown
  let gateway: GatewayOperations | undefined
  let console: ConsoleOperations | undefined
  let attend: ((connection: Duplex) => void) | undefined
  const server = createServer((incoming, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const { method, url = '/' } = incoming
    const answerWith = (work: Promise<Record<string, unknown>>): void =>
      void work.then(
        (body) => answer(200, body),
        (error: unknown) => answer(500, { error: describeError(error) }),
      )
    if (url.startsWith('/gateway')) {
      answerWith(operate(gateway, `${method} ${url}`))
    } else if (url.startsWith('/console')) {
      answerWith(readBody(incoming).then(async (body) => admit(console, `${method} ${url}`, body)))
    } else if (method === 'POST') {
      void onShutdown(url === '/shutdown?keep_computes').then((isWhole) => {
        response.once('close', () => process.exit(0))
        answer(200, { is_whole: isWhole })
      })
    } else answer(description === undefined ? 503 : 200, description ?? {})
  })
  server.on('upgrade', (_, connection) => {
    // Without an answer the other side is told that the connection has ended.
    if (attend === undefined) connection.destroy()
    else {
      connection.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgradeTo}\r\n\r\n`,
      )
      attend(connection)
    }
  })
  if (!(await listen(server, path))) {
    if ((await ask(path, 'GET', '/', answerTimeoutMs)) !== undefined) {
      throw new AppError('invalid_request', 'the platform is running already')
    }
    await rm(path, { force: true })
    if (!(await listen(server, path))) {
      throw new AppError('invalid_request', 'the platform is being started already')
    }
  }
  await chmod(path, 0o600)
  return {
    describe: (given) => {
      description = given
    },
    operate: (given) => {
      gateway = given
    },
    admit: (given) => {
      console = given
    },
    release: async () => {
      await new Promise((resolve) => server.close(resolve))
    },
    converse: (given) => {
      attend = given
    },
  }
}

async function operate(
  gateway: GatewayOperations | undefined,
  request: string,
): Promise<Record<string, unknown>> {
  if (gateway === undefined) throw new Error('the platform is starting still; try again')
  switch (request) {
    case 'GET /gateway':
      return { workers: await gateway.workers() }
    case 'POST /gateway/restart':
      await gateway.restart()
      return { restarted: true }
    default:
      throw new Error(`there is no ${request} here`)
  }
}

async function admit(
  console: ConsoleOperations | undefined,
  request: string,
  body: string,
): Promise<Record<string, unknown>> {
  if (console === undefined) throw new Error('the platform is starting still; try again')
  switch (request) {
    case 'POST /console/link':
      return { url: console.createLink() }
    case 'POST /console/password':
      await console.setPassword(body)
      return { password_set: true }
    default:
      throw new Error(`there is no ${request} here`)
  }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > bodyMaxChars) throw new Error('the body is too long')
  }
  return text
}

/** What the running platform of this home says of itself; undefined where none runs. */
export async function askPlatform(home: Home): Promise<Record<string, unknown> | undefined> {
  return ask(socketPath(home), 'GET', '/', answerTimeoutMs)
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
  try {
    if ((await ask(path, 'GET', '/', patientTimeoutMs)) === undefined) return 'absent'
    const url = keepComputes ? '/shutdown?keep_computes' : '/shutdown'
    const answer = await ask(path, 'POST', url, shutdownTimeoutMs).catch(goneMeanwhile)
    await untilGone(path)
    return answer?.['is_whole'] === true ? 'whole' : 'left'
  } catch (error) {
    if (!(error instanceof Silence)) throw error
    const pid = await pidOf(home)
    const [which, kill] = pid === undefined ? ['', ''] : [` (process ${pid})`, `: kill -9 ${pid}`]
    throw new AppError(
      'not_available',
      `the platform${which} does not answer; end it${kill}, then run \`coppice down\` again. ` +
        'Nothing that was committed is lost by that',
      { cause: error },
    )
  }
}

/** Its process ends a moment after it has answered. Somebody may start another one at once. */
async function untilGone(path: string): Promise<void> {
  const deadline = performance.now() + exitTimeoutMs
  while (performance.now() < deadline) {
    const answer = ask(path, 'GET', '/', answerTimeoutMs)
    if ((await answer.catch((error: unknown) => goneMeanwhile(error) ?? {})) === undefined) return
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
  const answer = await ask(socketPath(home), method, url, timeoutMs, body)
  if (answer === undefined) throw notRunning()
  const { error } = answer
  if (typeof error === 'string') throw new AppError('internal', error)
  return answer
}

/** Of a connection that is a conversation from then on (`hold-socket.ts`). */
const upgradeTo = 'coppice-hold'

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
      const isGone = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '')
      if (isGone) reject(notRunning())
      else if (errorCode(error) === 'ECONNRESET') {
        reject(new AppError('invalid_request', 'the platform is starting still; try again'))
      } else reject(error)
    })
    outgoing.end()
  })
}

/** Something listens, and does not answer. */
class Silence extends Error {
  constructor() {
    super('the platform does not answer')
  }
}

const notRunning = (): AppError =>
  new AppError('invalid_request', 'the platform does not run; `coppice up` starts it')

async function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      if (errorCode(error) === 'EADDRINUSE') resolve(false)
      else reject(error)
    }
    server.once('error', onError)
    server.listen(path, () => {
      server.off('error', onError)
      resolve(true)
    })
  })
}

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
      response.on('end', () => resolve(JSON.parse(text) as Record<string, unknown>))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Silence()))
    outgoing.on('error', (error) => {
      const isGone = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '')
      if (isGone) resolve(undefined)
      else reject(error)
    })
    outgoing.end(body)
  })
}
