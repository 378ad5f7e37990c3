import { setTimeout as delay } from 'node:timers/promises'

import { ApiError, type Client, createClient } from '@coppice/api/client'

import { type ApiTarget, findApiTarget } from './api-target.ts'
import type { Cli } from './cli.ts'
import { CliError } from './errors.ts'
import { readVersion } from './version.ts'

/** How often a call is repeated by the status of its answer: all of these ask for it. */
const retriesByStatus: Record<number, number | undefined> = { 423: 5, 429: 2, 503: 2 }

type Call = (input: CallInput) => Promise<unknown>
interface CallInput {
  path?: Record<string, unknown>
}

/** A client of the platform's API that repeats what is locked and explains what goes wrong. */
export async function connect(cli: Cli): Promise<Client> {
  const target = await findApiTarget(cli)
  const client = createClient({
    baseUrl: target.baseUrl,
    apiKey: target.apiKey,
    userAgent: `coppice/${readVersion()}`,
  })
  const calls = Object.entries(client).map(([name, call]) => [
    name,
    guard(cli, target, call as Call),
  ])
  // The same keys with the same functions, wrapped.
  return Object.fromEntries(calls) as Client
}

function guard(cli: Cli, target: ApiTarget, call: Call): Call {
  return async (input) => {
    checkPath(input.path ?? {})
    try {
      return await callWithRetries(cli, () => call(input))
    } catch (error) {
      throw explain(error, target)
    }
  }
}

/** A URL drops `.` and `..`, encoded or not, so a branch of that name would address its project. */
function checkPath(path: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(path)) {
    if (value === '' || value === '.' || value === '..') {
      throw new CliError(`"${String(value)}" cannot be a ${key.replace(/_(id|name)$/, '')}.`)
    }
  }
}

async function callWithRetries(cli: Cli, call: () => Promise<unknown>): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      const retries = error instanceof ApiError ? (retriesByStatus[error.status] ?? 0) : 0
      if (attempt > retries || !(error instanceof Error)) throw error
      const seconds = cli.retryDelayMs / 1000
      cli.output.note(`${error.message}; trying again in ${seconds} s (${attempt} of ${retries})`)
      await delay(cli.retryDelayMs)
    }
  }
}

/** What went wrong with a call, in terms of what the user can change. */
export function explain(error: unknown, target: ApiTarget): unknown {
  if (error instanceof ApiError) return explainAnswer(error, target)
  const isLocal = target.hostSource.endsWith('run.json')
  if (error instanceof SyntaxError) {
    return new CliError(`${target.baseUrl} does not answer as this API does.`, {
      advice: `Check the address, which came from ${target.hostSource}.`,
      cause: error,
    })
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new CliError(`${target.baseUrl} did not answer in time.`, { cause: error, exitCode: 2 })
  }
  if (!(error instanceof TypeError)) return error
  return new CliError(`Could not reach the API at ${target.baseUrl} (${reasonOf(error)}).`, {
    advice: isLocal
      ? 'The platform seems to have stopped: start it with `coppice up`.'
      : `The address came from ${target.hostSource}. If it is this machine, start the platform with \`coppice up\`.`,
    cause: error,
  })
}

function explainAnswer(error: ApiError, target: ApiTarget): Error {
  if (error.status !== 401) return error
  return new CliError(`Authentication failed: ${target.baseUrl} rejected the API key.`, {
    advice: `Check the key, which came from ${target.keySource}.`,
    cause: error,
  })
}

function reasonOf(error: TypeError): string {
  const cause = error.cause
  if (!(cause instanceof Error)) return error.message
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}
