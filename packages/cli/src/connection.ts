import type { Endpoint, EndpointType } from '@coppice/api'
import { isNow } from '@coppice/migrate/moment'

import type { Cli } from './cli.ts'
import { changeParameters, parameterNames, travelTo } from './connection-uri.ts'
import { type BranchScope, openBranch } from './context.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'
import { findPlatform } from './platform.ts'
import { parseBranchPoint } from './point-in-time.ts'

export const sslModes = ['require', 'verify-ca', 'verify-full', 'omit'] as const
export type SslMode = (typeof sslModes)[number]

/** What a connection string is asked for. */
export interface ConnectionChoice {
  /** Also `main@2030-01-31T12:00:00Z` and `main@0/16B3748`: as it was then. */
  branch: string | undefined
  roleName: string | undefined
  databaseName: string | undefined
  endpointType: EndpointType | undefined
  pooled: boolean
  prisma: boolean
  ssl: SslMode | undefined
}

/** How long Prisma's clients wait for a connection, which may have to start a compute. */
const prismaTimeoutSeconds = '30'

/** The connection string with its password, from the API, changed as the flags say. */
export async function getConnectionUri(cli: Cli, choice: ConnectionChoice): Promise<string> {
  const point = choice.branch === undefined ? undefined : parseBranchPoint(choice.branch)
  const isPast = point !== undefined && !isNow(point.moment)
  if (isPast && choice.pooled) throw pooledPast()
  const scope = await openBranch(cli, point?.branch)
  const [{ role, database }, endpoint] = await Promise.all([
    choice.roleName !== undefined && choice.databaseName !== undefined
      ? { role: choice.roleName, database: choice.databaseName }
      : chooseTarget(cli, scope, choice),
    isPast
      ? anyEndpointOf(scope, choice.endpointType)
      : choice.endpointType && endpointOf(scope, choice.endpointType),
  ])
  const { uri } = await scope.client.getConnectionURI({
    path: { project_id: scope.projectId },
    query: defined({
      branch_id: scope.path.branch_id,
      endpoint_id: endpoint?.id,
      role_name: role,
      database_name: database,
      pooled: choice.pooled || undefined,
    }),
  })
  const reached = isPast && endpoint ? travelTo(uri, endpoint, point.moment) : uri
  const secured = changeParameters(reached, await sslParameters(cli, reached, choice.ssl))
  return choice.prisma ? changeParameters(secured, prismaParameters(choice.pooled)) : secured
}

interface Target {
  role: string
  database: string
}

/**
 * The role and the database to connect as and to. Without flags: the only ones, else the branch's first
 * database and its owner, which is what the project was made with, and a note that says so. Neon's CLI
 * stops there; a script that worked must not fail because somebody created a database.
 */
async function chooseTarget(
  cli: Cli,
  scope: BranchScope,
  choice: ConnectionChoice,
): Promise<Target> {
  const { client, path } = scope
  const [{ databases }, { roles }] = await Promise.all([
    client.listProjectBranchDatabases({ path }),
    client.listProjectBranchRoles({ path }),
  ])
  const oldestFirst = databases.toSorted((a, b) => a.id - b.id)
  const database = oldestFirst.find((one) => one.name === choice.databaseName) ?? oldestFirst[0]
  const databaseName = choice.databaseName ?? database?.name
  if (databaseName === undefined) throw nothingFound('database', path.branch_id)
  if (choice.databaseName === undefined && databases.length > 1) {
    noteChoice(cli, 'database', databaseName)
  }
  if (choice.roleName !== undefined) return { role: choice.roleName, database: databaseName }

  const names = roles.map((role) => role.name)
  const owner = names.find((name) => name === database?.owner_name)
  const role = owner ?? names[0]
  if (role === undefined) throw nothingFound('role', path.branch_id)
  if (owner === undefined && names.length > 1) noteChoice(cli, 'role', role)
  return { role, database: databaseName }
}

function noteChoice(cli: Cli, kind: 'role' | 'database', name: string): void {
  cli.output.note(`The branch has several ${kind}s; using ${name}. Choose with --${kind}-name.`)
}

function nothingFound(kind: 'role' | 'database', branch: string): CliError {
  return new CliError(`No ${kind}s found for the branch: ${branch}`)
}

async function endpointOf({ client, path }: BranchScope, type: EndpointType): Promise<Endpoint> {
  const { endpoints } = await client.listProjectBranchEndpoints({ path })
  const endpoint = endpoints.find((candidate) => candidate.type === type)
  if (endpoint) return endpoint
  throw new CliError(`No ${type} endpoint found for the branch: ${path.branch_id}`, {
    advice: `Add one with \`coppice branches add-compute ${path.branch_id} --type ${type}\`.`,
  })
}

/** The one asked for, else the read-write one, else what there is. */
async function anyEndpointOf(
  scope: BranchScope,
  type: EndpointType | undefined,
): Promise<Endpoint> {
  if (type !== undefined) return endpointOf(scope, type)
  const { endpoints } = await scope.client.listProjectBranchEndpoints({ path: scope.path })
  const [first] = endpoints
  return endpoints.find((endpoint) => endpoint.type === 'read_write') ?? first ?? missing()

  function missing(): never {
    throw new CliError(`Branch ${scope.path.branch_id} has no compute whose address leads to it.`, {
      advice: `Add one with \`coppice branches add-compute ${scope.path.branch_id}\`.`,
    })
  }
}

/** A compute of the past is not kept long enough to pool connections to it. */
function pooledPast(): CliError {
  return new CliError('The pooler does not lead into the past.', {
    advice: 'Leave --pooled out: such a compute is for one look, and ends with it.',
  })
}

async function sslParameters(
  cli: Cli,
  uri: string,
  ssl: SslMode | undefined,
): Promise<Record<string, string | undefined>> {
  switch (ssl) {
    case undefined:
      return {}
    case 'omit':
      return Object.fromEntries(
        parameterNames(uri)
          .filter((name) => name.startsWith('ssl') || name === 'channel_binding')
          .map((name) => [name, undefined]),
      )
    case 'require':
      return { sslmode: ssl }
    case 'verify-ca':
    case 'verify-full':
      return { ...(await rootCertificate(cli, uri)), sslmode: ssl }
  }
}

/** The local platform signs its own certificates, so verifying them needs its authority by name. */
async function rootCertificate(cli: Cli, uri: string): Promise<Record<string, string>> {
  if (parameterNames(uri).includes('sslrootcert')) return {}
  const platform = (cli.options.apiHost ?? cli.config.apiHost) ? undefined : await findPlatform(cli)
  return platform?.caFile === undefined ? {} : { sslrootcert: platform.caFile }
}

function prismaParameters(pooled: boolean): Record<string, string> {
  return {
    connect_timeout: prismaTimeoutSeconds,
    ...(pooled && { pool_timeout: prismaTimeoutSeconds, pgbouncer: 'true' }),
  }
}
