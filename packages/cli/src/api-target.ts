import { readFile } from 'node:fs/promises'

import { apiBasePath } from '@coppice/api/client'

import type { Cli } from './cli.ts'
import type { Setting } from './config.ts'
import { CliError } from './errors.ts'
import { errnoOf, findPlatform, requirePlatform, type RunningPlatform } from './platform.ts'

/** Where the API is, with which key, and where both were found. */
export interface ApiTarget {
  baseUrl: string
  hostSource: string
  apiKey: string
  keySource: string
}

/** Flag, then environment, then the platform on this machine. */
export async function findApiTarget(cli: Cli): Promise<ApiTarget> {
  const host = flag(cli.options.apiHost, '--api-host') ?? cli.config.apiHost
  const key = flag(cli.options.apiKey, '--api-key') ?? cli.config.apiKey
  if (!host) return localTarget(cli, key)
  const baseUrl = normalizeApiUrl(host)
  const found = key ?? (await keyOfSameHost(cli, baseUrl))
  if (!found) {
    throw new CliError(`No API key for ${baseUrl}.`, {
      advice: 'Set COPPICE_API_KEY (or NEON_API_KEY), or pass --api-key.',
    })
  }
  return { baseUrl, hostSource: host.source, apiKey: found.value, keySource: found.source }
}

/** With the base path, whether or not it was given with it, and without a slash at its end. */
export function normalizeApiUrl(host: Setting): string {
  const withScheme = /^[a-z]+:\/\//i.test(host.value) ? host.value : `http://${host.value}`
  if (!URL.canParse(withScheme)) {
    throw new CliError(`${host.source} is not an address: ${host.value}`, {
      advice: 'It should look like http://127.0.0.1:7432/api/v2.',
    })
  }
  const trimmed = withScheme.replace(/\/+$/, '')
  return trimmed.endsWith(apiBasePath) ? trimmed : trimmed + apiBasePath
}

async function localTarget(cli: Cli, key: Setting | undefined): Promise<ApiTarget> {
  const platform = await requirePlatform(cli)
  const { value, source } = key ?? (await readKey(platform))
  return {
    baseUrl: normalizeApiUrl({ value: platform.apiUrl, source: platform.runFile }),
    hostSource: platform.runFile,
    apiKey: value,
    keySource: source,
  }
}

/** The local platform's key goes to the local platform only, never to another host. */
async function keyOfSameHost(cli: Cli, baseUrl: string): Promise<Setting | undefined> {
  const platform = await findPlatform(cli)
  if (!platform) return undefined
  const local = normalizeApiUrl({ value: platform.apiUrl, source: platform.runFile })
  return local === baseUrl ? readKey(platform) : undefined
}

async function readKey({ apiKeyFile }: RunningPlatform): Promise<Setting> {
  try {
    return { value: (await readFile(apiKeyFile, 'utf8')).trim(), source: apiKeyFile }
  } catch (error) {
    throw new CliError(`Cannot read the API key in ${apiKeyFile} (${errnoOf(error) ?? 'error'}).`, {
      advice:
        'The platform belongs to another user. Ask its owner for a key of your own\n' +
        '(`coppice api-keys create --name you`) and set COPPICE_API_KEY.',
      cause: error,
    })
  }
}

function flag(value: string | undefined, source: string): Setting | undefined {
  if (value === undefined) return undefined
  if (value === '') throw new CliError(`${source} is empty.`)
  return { value, source }
}
