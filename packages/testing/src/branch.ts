import { randomBytes } from 'node:crypto'

import { type Client, createClient } from '@coppice/api/client'

import { readConfig } from './config.ts'
import { secureUrl, type SslMode } from './connection-url.ts'
import { findPlatform, type Platform } from './platform.ts'
import { patiently } from './retry.ts'
import { tellJanitor } from './watch.ts'

export type { SslMode } from './connection-url.ts'

export interface BranchOptions {
  /** Project id; that of the environment, of `.neon`, or the only one unless given. */
  project?: string
  /** Branch to copy, by name or id; the one that `.neon` pins, or the default one, unless given. */
  parent?: string
  /** The first one of the branch unless given. */
  database?: string
  /** The owner of the database unless given. */
  role?: string
  /** Connect through the pooler, in transaction mode. */
  pooled?: boolean
  /** Copy the schema and no rows. */
  schemaOnly?: boolean
  /** The platform deletes the branch after so long, whatever becomes of the tests; an hour. */
  ttlSeconds?: number
  /** What the branch's name begins with; `test`. */
  name?: string
  /**
   * `verify-full` with the platform's certificate authority where that is known, else what the API says;
   * `omit` for drivers that are told about TLS in their own options.
   */
  ssl?: SslMode
  /** Certificate authority of a platform that is not on this machine. */
  caFile?: string
  /** Address and key of the API; those of the environment or of the platform on this machine. */
  apiHost?: string
  apiKey?: string
}

/** A branch of one's own. */
export interface TestBranch {
  readonly id: string
  readonly name: string
  readonly projectId: string
  /** Connection string with its password. */
  readonly url: string
  /** File of the certificate authority, where it is known: for drivers that do not read it from the URL. */
  readonly caFile: string | undefined
  /** Deletes it for good. What is deleted already is no error. */
  delete(): Promise<void>
}

const defaultTtlSeconds = 3600

/**
 * Makes a branch with a compute and answers its connection string. It is deleted when `delete` is called,
 * when this process ends in whichever way, or when its time is over. Rejects with the API's error.
 */
export async function createBranch(options: BranchOptions = {}): Promise<TestBranch> {
  const { apiHost, apiKey } = options
  const environment = readConfig()
  const platform = await findPlatform({
    ...environment,
    apiHost: apiHost ?? environment.apiHost,
    apiKey: apiKey ?? environment.apiKey,
  })
  try {
    return await createOn(platform, options)
  } catch (error) {
    // `fetch` says no more than that it failed.
    if (!(error instanceof TypeError)) throw error
    throw new Error(`the API at ${platform.apiUrl} cannot be reached; is the platform up?`, {
      cause: error,
    })
  }
}

async function createOn(platform: Platform, options: BranchOptions): Promise<TestBranch> {
  const client = createClient({
    baseUrl: platform.apiUrl,
    apiKey: platform.apiKey,
    userAgent: 'coppice-testing',
  })
  const projectId = options.project ?? platform.projectId ?? (await onlyProject(client))
  const made = await make(client, { options, platform, projectId })
  const { branch } = made
  const notice = {
    apiUrl: platform.apiUrl,
    apiKey: platform.apiKey,
    projectId,
    branchId: branch.id,
  }
  tellJanitor({ ...notice, isDeleted: false })
  const remove = async (): Promise<void> => {
    const path = { project_id: projectId, branch_id: branch.id }
    await patiently(async () => client.deleteProjectBranch({ path, query: { hard_delete: true } }))
    tellJanitor({ ...notice, isDeleted: true })
  }
  try {
    const caFile = options.caFile ?? platform.caFile
    const url = await connectionUrl(client, { options, made, projectId })
    return {
      id: branch.id,
      name: branch.name,
      projectId,
      url: secureUrl(url, options.ssl, caFile),
      caFile,
      delete: remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

async function onlyProject(client: Client): Promise<string> {
  const { projects } = await patiently(async () => client.listProjects({ query: { limit: 2 } }))
  const [first, second] = projects
  if (first === undefined) throw new Error('the platform has no project: `coppice projects create`')
  if (second === undefined) return first.id
  throw new Error(
    'the platform has several projects: set COPPICE_PROJECT_ID, pass `project`, or run `coppice link`',
  )
}

type Made = Awaited<ReturnType<Client['createProjectBranch']>>

async function make(
  client: Client,
  {
    options,
    platform,
    projectId,
  }: { options: BranchOptions; platform: Platform; projectId: string },
): Promise<Made> {
  const { ttlSeconds = defaultTtlSeconds, schemaOnly = false, name = 'test' } = options
  const pinned = platform.projectId === projectId ? platform.branch : undefined
  const parent = options.parent ?? pinned
  const parentId = parent === undefined ? undefined : await idOf(client, projectId, parent)
  return patiently(async () =>
    client.createProjectBranch({
      path: { project_id: projectId },
      body: {
        branch: {
          name: `${name}-${randomBytes(5).toString('hex')}`,
          expires_at: new Date(Date.now() + ttlSeconds * 1000).toISOString(),
          ...(parentId !== undefined && { parent_id: parentId }),
          ...(schemaOnly && { init_source: 'schema-only' as const }),
        },
        endpoints: [{ type: 'read_write' }],
      },
    }),
  )
}

async function idOf(client: Client, projectId: string, branch: string): Promise<string> {
  const path = { project_id: projectId, branch_id: branch }
  const found = await patiently(async () => client.getProjectBranch({ path }))
  return found.branch.id
}

async function connectionUrl(
  client: Client,
  { options, made, projectId }: { options: BranchOptions; made: Made; projectId: string },
): Promise<string> {
  const databases = made.databases.toSorted((a, b) => a.id - b.id)
  const database =
    options.database === undefined
      ? databases[0]
      : databases.find((one) => one.name === options.database)
  if (database === undefined) {
    const names = databases.map(({ name }) => name).join(', ') || 'none'
    throw new Error(`the branch has no database ${options.database ?? ''}; it has: ${names}`)
  }
  const { uri } = await patiently(async () =>
    client.getConnectionURI({
      path: { project_id: projectId },
      query: {
        branch_id: made.branch.id,
        database_name: database.name,
        role_name: options.role ?? database.owner_name,
        ...(options.pooled === true && { pooled: true }),
      },
    }),
  )
  return uri
}
