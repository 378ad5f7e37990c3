import { chmod, rm } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { join } from 'node:path'

import { AppError, errorCode } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'

/**
 * The platform's private socket, `<sockets>/platform.sock`, mode 0600: whoever holds it is the one
 * platform of this home, and its owner can ask it to say where it is and to stop. A killed platform
 * leaves a socket file that nobody answers on; it is replaced.
 */
export interface LocalSocket {
  /** What `GET /` answers from now on; until then the platform is starting. */
  describe(description: unknown): void
}

const answerTimeoutMs = 5_000
/** Suspending hundreds of computes, each with its checkpoint, takes a while. */
const shutdownTimeoutMs = 590_000

const socketPath = (home: Home): string => join(home.sockets, 'platform.sock')

/** Rejects with `AppError` when a platform of this home is running. */
export async function claimHome(
  home: Home,
  onShutdown: (keepComputes: boolean) => Promise<void>,
): Promise<LocalSocket> {
  const path = socketPath(home)
  let description: unknown
  const server = createServer((incoming, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (incoming.method === 'POST') {
      void onShutdown(incoming.url === '/shutdown?keep_computes').then(() => {
        response.once('close', () => process.exit(0))
        answer(200, { stopped: true })
      })
    } else answer(description === undefined ? 503 : 200, description ?? {})
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
  }
}

/** What the running platform of this home says of itself; undefined where none runs. */
export async function askPlatform(home: Home): Promise<Record<string, unknown> | undefined> {
  return ask(socketPath(home), 'GET', '/', answerTimeoutMs)
}

/** Asks the running platform to stop and waits until it has; false where none runs. */
export async function stopPlatform(home: Home, keepComputes: boolean): Promise<boolean> {
  const url = keepComputes ? '/shutdown?keep_computes' : '/shutdown'
  return (await ask(socketPath(home), 'POST', url, shutdownTimeoutMs)) !== undefined
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

async function ask(
  path: string,
  method: string,
  url: string,
  timeoutMs: number,
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
    outgoing.on('timeout', () => outgoing.destroy(new Error('the platform does not answer')))
    outgoing.on('error', (error) => {
      const isGone = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '')
      if (isGone) resolve(undefined)
      else reject(error)
    })
    outgoing.end()
  })
}
