import type { EndpointType } from '@coppice/api'
import type { Diagnostic } from '@coppice/api/client'

import type { Cli } from '../cli.ts'
import { getConnectionUri } from '../connection.ts'
import { eachBranch, openBranch, openScope } from '../context.ts'
import { CliError } from '../errors.ts'
import { parseBranchPoint } from '../point-in-time.ts'

/** A database to ask. */
export interface Target {
  uri: string
  /** Where several are asked; shown beside what each answers. */
  database: string | undefined
}

/** The databases of one of several branches. */
export interface BranchTargets {
  branch: string
  find: () => Promise<Target[]>
}

export interface TargetChoice {
  branch: string | undefined
  databaseName: string | undefined
  roleName: string | undefined
  dbUrl: string | undefined
  /** Of the compute; undefined for the one that writes, where there is one. */
  endpointType?: EndpointType
}

/** The database that is named, else every one of the branch, or one where all would say the same. */
export async function findTargets(
  cli: Cli,
  choice: TargetChoice,
  scope: Diagnostic['scope'],
): Promise<Target[]> {
  const { dbUrl, databaseName } = choice
  if (dbUrl !== undefined) return [{ uri: dbUrl, database: undefined }]
  if (databaseName !== undefined) {
    return [{ uri: await uriOf(cli, choice, databaseName), database: undefined }]
  }
  const names = await databasesOf(cli, choice.branch)
  const [first] = names
  if (scope === 'compute' && first !== undefined) {
    return [{ uri: await uriOf(cli, choice, first), database: undefined }]
  }
  const targets: Target[] = []
  for (const name of names) targets.push({ uri: await uriOf(cli, choice, name), database: name })
  return targets
}

/**
 * Every branch of the project that is awake, by name; the others would have to be woken to say anything.
 * A branch is asked on the compute of its that is awake.
 */
export async function findAwakeBranches(
  cli: Cli,
  choice: TargetChoice,
  scope: Diagnostic['scope'],
): Promise<BranchTargets[]> {
  const project = await openScope(cli)
  const { endpoints } = await project.client.listProjectEndpoints({
    path: { project_id: project.projectId },
  })
  const awake = endpoints.filter((endpoint) => endpoint.current_state === 'active')
  const found: BranchTargets[] = []
  if (awake.length === 0) return found
  for await (const { id, name } of eachBranch(project)) {
    const computes = awake.filter((endpoint) => endpoint.branch_id === id)
    const [endpoint] = computes.toSorted((one, other) => other.type.localeCompare(one.type))
    if (endpoint === undefined) continue
    const here = { ...choice, branch: id, endpointType: endpoint.type }
    found.push({ branch: name, find: async () => findTargets(cli, here, scope) })
  }
  return found.toSorted((one, other) => one.branch.localeCompare(other.branch))
}

async function databasesOf(cli: Cli, branch: string | undefined): Promise<string[]> {
  const name = branch === undefined ? undefined : parseBranchPoint(branch).branch
  const { client, path } = await openBranch(cli, name)
  const { databases } = await client.listProjectBranchDatabases({ path })
  if (databases.length > 0) return databases.map((database) => database.name).toSorted()
  throw new CliError(`Branch ${path.branch_id} has no databases.`, {
    advice: 'Create one with `coppice databases create --name <name>`.',
  })
}

async function uriOf(cli: Cli, choice: TargetChoice, databaseName: string): Promise<string> {
  return getConnectionUri(cli, {
    branch: choice.branch,
    roleName: choice.roleName,
    databaseName,
    endpointType: choice.endpointType,
    pooled: false,
    prisma: false,
    ssl: undefined,
  })
}
