import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { apiBasePath } from '@coppice/api/client'

import type { Config } from './config.ts'

/** Where the platform is, and which project and branch a directory is linked with. */
export interface Platform {
  apiUrl: string
  apiKey: string
  /** What signs the certificates of a platform on this machine. */
  caFile: string | undefined
  projectId: string | undefined
  branch: string | undefined
}

/** By the environment, else the platform on this machine. Rejects with what to set where there is none. */
export async function findPlatform(config: Config): Promise<Platform> {
  const [local, context] = await Promise.all([findLocal(config), readContext(config.cwd)])
  const apiUrl = config.apiHost === undefined ? local?.apiUrl : normalize(config.apiHost)
  if (apiUrl === undefined) {
    throw new Error(
      'no platform was found: start one with `coppice up`, or set COPPICE_API_HOST and COPPICE_API_KEY',
    )
  }
  // The key of this machine's platform is for no other.
  const isLocal = local?.apiUrl === apiUrl
  const apiKey = config.apiKey ?? (isLocal ? await readKey(local.apiKeyFile) : undefined)
  if (apiKey === undefined) throw new Error(`no API key for ${apiUrl}: set COPPICE_API_KEY`)
  return {
    apiUrl,
    apiKey,
    caFile: isLocal ? local.caFile : undefined,
    projectId: config.projectId ?? context.projectId,
    branch: context.branch,
  }
}

interface Local {
  apiUrl: string
  apiKeyFile: string
  caFile: string | undefined
}

async function findLocal({ homes }: Config): Promise<Local | undefined> {
  for (const home of homes) {
    const found = await readObject(join(home, 'run.json'))
    const { api_url: url, api_key_file: apiKeyFile, ca_file: caFile } = found ?? {}
    if (typeof url !== 'string' || typeof apiKeyFile !== 'string') continue
    return {
      apiUrl: normalize(url),
      apiKeyFile,
      caFile: typeof caFile === 'string' ? caFile : undefined,
    }
  }
  return undefined
}

async function readKey(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new Error(`cannot read the API key in ${file}: set COPPICE_API_KEY to one of your own`, {
      cause: error,
    })
  }
}

/** With the base path, whether or not it was given with it, as the CLI takes it. */
function normalize(host: string): string {
  const trimmed = (/^[a-z]+:\/\//i.test(host) ? host : `http://${host}`).replace(/\/+$/, '')
  return trimmed.endsWith(apiBasePath) ? trimmed : trimmed + apiBasePath
}

/** What the nearest `.neon` above says, as `coppice link` writes it. */
async function readContext(cwd: string): Promise<{ projectId?: string; branch?: string }> {
  for (let directory = cwd; ; directory = dirname(directory)) {
    const path = join(directory, '.neon')
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    )
    if (isFile) {
      const { projectId, branch } = (await readObject(path)) ?? {}
      return {
        ...(typeof projectId === 'string' && projectId !== '' && { projectId }),
        ...(typeof branch === 'string' && branch !== '' && { branch }),
      }
    }
    if (directory === dirname(directory)) return {}
  }
}

async function readObject(path: string): Promise<Record<string, unknown> | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch {
    // Not there, or not for us: then it says nothing.
    return undefined
  }
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch (error) {
    throw new Error(`${path} is no JSON`, { cause: error })
  }
}
