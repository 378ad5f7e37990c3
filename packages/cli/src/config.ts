import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export type Environment = Record<string, string | undefined>

/** A value with where it came from, so that an error can name the place to mend. */
export interface Setting {
  value: string
  source: string
}

/** All that the CLI takes from its surroundings. Flags, which go before it, are in `GlobalOptions`. */
export interface Config {
  apiHost: Setting | undefined
  apiKey: Setting | undefined
  /** The state directory of the local platform, and where else to look for one that runs. */
  home: string
  otherHomes: readonly string[]
  /** `undefined`: colours where stdout is a terminal. */
  color: boolean | undefined
  s3: S3Config
  cwd: string
  userHome: string
  github: GitHubConfig
  /** For child processes; nothing else reads it. */
  environment: Environment
}

/** As GitHub's own actions set it. */
export interface GitHubConfig {
  token: string | undefined
  apiUrl: string
  /** `owner/name`. */
  repository: string | undefined
}

/** Of archives, under the names of AWS's own programs. */
export interface S3Config {
  endpoint: string | undefined
  region: string | undefined
  accessKeyId: string | undefined
  secretAccessKey: string | undefined
  hasSessionToken: boolean
}

interface Surroundings {
  environment: Environment
  cwd: string
  platform: NodeJS.Platform
  userHome: string
  isRoot: boolean
}

/** Where root keeps its platform, which other users of the machine may be allowed to use. */
const systemHome = '/var/lib/coppice'

/** Reads the environment; the names of Neon's CLI work as well. docs/config.md lists them. */
export function readConfig(surroundings: Surroundings = currentSurroundings()): Config {
  const { environment, cwd, userHome, isRoot } = surroundings
  const givenHome = environment['COPPICE_HOME']
  const home = givenHome ? resolve(cwd, givenHome) : defaultHome(surroundings)
  const mayShareSystemHome = !givenHome && !isRoot
  return {
    apiHost: readFirst(environment, ['COPPICE_API_HOST', 'NEON_API_HOST']),
    apiKey: readFirst(environment, ['COPPICE_API_KEY', 'NEON_API_KEY']),
    home,
    otherHomes: mayShareSystemHome ? [systemHome] : [],
    color: readColor(environment),
    s3: readS3(environment),
    cwd,
    userHome,
    github: {
      token: environment['GITHUB_TOKEN'] || undefined,
      apiUrl: environment['GITHUB_API_URL'] || 'https://api.github.com',
      repository: environment['GITHUB_REPOSITORY'] || undefined,
    },
    // The server's program runs elsewhere, where a relative path would be another.
    environment: givenHome ? { ...environment, COPPICE_HOME: home } : environment,
  }
}

function currentSurroundings(): Surroundings {
  return {
    environment: process.env,
    cwd: process.cwd(),
    platform: process.platform,
    userHome: homedir(),
    isRoot: process.getuid?.() === 0,
  }
}

function readFirst(environment: Environment, names: readonly string[]): Setting | undefined {
  for (const name of names) {
    const value = environment[name]
    if (value) return { value, source: name }
  }
  return undefined
}

function readS3(environment: Environment): S3Config {
  const read = (...names: string[]) => readFirst(environment, names)?.value
  return {
    endpoint: read('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'),
    region: read('AWS_REGION', 'AWS_DEFAULT_REGION'),
    accessKeyId: read('AWS_ACCESS_KEY_ID'),
    secretAccessKey: read('AWS_SECRET_ACCESS_KEY'),
    hasSessionToken: read('AWS_SESSION_TOKEN') !== undefined,
  }
}

function defaultHome({ environment, platform, userHome, isRoot }: Surroundings): string {
  if (isRoot) return systemHome
  if (platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'Coppice')
  return join(environment['XDG_DATA_HOME'] || join(userHome, '.local', 'share'), 'coppice')
}

/** NO_COLOR (no-color.org) goes before FORCE_COLOR, which build servers set for everything. */
function readColor(environment: Environment): boolean | undefined {
  if (environment['NO_COLOR']) return false
  if (environment['FORCE_COLOR'] && environment['FORCE_COLOR'] !== '0') return true
  return undefined
}
