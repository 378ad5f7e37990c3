import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { type Cli, homeOf } from './cli.ts'
import { CliError } from './errors.ts'

/** What `<home>/run.json` says of the platform that runs on this machine. */
export interface RunningPlatform {
  home: string
  runFile: string
  apiUrl: string
  apiKeyFile: string
  caFile: string | undefined
}

/** The local platform, or undefined where none runs. */
export async function findPlatform(cli: Cli): Promise<RunningPlatform | undefined> {
  const homes = cli.options.home === undefined ? [cli.config.home, ...cli.config.otherHomes] : []
  for (const home of homes.length > 0 ? homes : [homeOf(cli)]) {
    const platform = await readRunFile(home)
    if (platform) return platform
  }
  return undefined
}

/** The local platform; rejects, saying how to start it, where none runs. */
export async function requirePlatform(cli: Cli): Promise<RunningPlatform> {
  const platform = await findPlatform(cli)
  if (platform) return platform
  throw new CliError(`Coppice is not running (no ${join(homeOf(cli), 'run.json')}).`, {
    advice: 'Start it with `coppice up`.',
  })
}

async function readRunFile(home: string): Promise<RunningPlatform | undefined> {
  const runFile = join(home, 'run.json')
  const text = await readIfThere(runFile)
  if (text === undefined) return undefined
  const content = parseObject(text)
  const apiUrl = content?.['api_url']
  const apiKeyFile = content?.['api_key_file']
  if (typeof apiUrl !== 'string' || typeof apiKeyFile !== 'string') {
    throw new CliError(`${runFile} does not say where the platform is.`, {
      advice: 'Start the platform anew: `coppice down`, then `coppice up`.',
    })
  }
  const caFile = content?.['ca_file']
  return {
    home,
    runFile,
    apiUrl,
    apiKeyFile,
    caFile: typeof caFile === 'string' ? caFile : undefined,
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new CliError(`Cannot read ${path} (${code ?? 'unknown error'}).`, { cause: error })
  }
}

/** The object that a JSON text holds, or undefined where it holds none. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    // Checked above; TypeScript has no narrower word for it.
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** `ENOENT` and the like, where an error has one. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
