import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'

import type { WorkerReport } from '../gateway/process/supervisor.ts'
import { AppError, describeError, errorCode } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { askPlatform, socketPath, upgradeTo } from './ask-platform.ts'
import { lockHome } from './home-lock.ts'

/**
 * The platform's private socket, `<sockets>/platform.sock`, mode 0600, on which its owner can ask it to say
 * where it is and to stop. Whoever has the home's lock listens there, and is the one platform of this home.
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

/** A password. */
const bodyMaxChars = 4096

/**
 * Rejects with `AppError` when a platform of this home is running. `onShutdown` answers whether all has
 * stopped.
 */
export async function claimHome(
  home: Home,
  onShutdown: (keepComputes: boolean) => Promise<boolean>,
): Promise<LocalSocket> {
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
      // Whoever asks may go before all has stopped.
      const isClosed = new Promise((resolve) => response.once('close', resolve))
      void onShutdown(url === '/shutdown?keep_computes').then(async (isWhole) => {
        answer(200, { is_whole: isWhole })
        await isClosed
        process.exit(0)
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
  const unlock = await lockHome(home)
  try {
    await listenAlone(server, home)
  } catch (error) {
    unlock()
    throw error
  }
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
      unlock()
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

/** With the lock: a socket that is there is of a platform that was killed, or of one that knew no lock. */
async function listenAlone(server: Server, home: Home): Promise<void> {
  const path = socketPath(home)
  if (!(await listen(server, path))) {
    if ((await askPlatform(home)) !== undefined) {
      throw new AppError('invalid_request', 'the platform is running already')
    }
    await rm(path, { force: true })
    if (!(await listen(server, path))) throw new Error(`somebody else listens on ${path}`)
  }
  await chmod(path, 0o600)
}

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
