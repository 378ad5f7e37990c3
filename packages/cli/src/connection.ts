import type { Endpoint, EndpointType } from '@coppice/api'

import type { Cli } from './cli.ts'
import { changeParameters, parameterNames } from './connection-uri.ts'
import { type BranchScope, openBranch } from './context.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'
import { findPlatform } from './platform.ts'

export const sslModes = ['require', 'verify-ca', 'verify-full', 'omit'] as const
export type SslMode = (typeof sslModes)[number]

/** What a connection string is asked for. */
export interface ConnectionChoice {
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
  const scope = await openBranch(cli, choice.branch)
  const [role, database, endpoint] = await Promise.all([
    choice.roleName ?? onlyRole(scope),
    choice.databaseName ?? onlyDatabase(scope),
    choice.endpointType && endpointOf(scope, choice.endpointType),
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
  const secured = changeParameters(uri, await sslParameters(cli, uri, choice.ssl))
  return choice.prisma ? changeParameters(secured, prismaParameters(choice.pooled)) : secured
}

async function onlyRole({ client, path }: BranchScope): Promise<string> {
  const { roles } = await client.listProjectBranchRoles({ path })
  const names = roles.map((role) => role.name)
  return onlyName(names, { kind: 'role', branch: path.branch_id })
}

async function onlyDatabase({ client, path }: BranchScope): Promise<string> {
  const { databases } = await client.listProjectBranchDatabases({ path })
  const names = databases.map((database) => database.name)
  return onlyName(names, { kind: 'database', branch: path.branch_id })
}

function onlyName(
  names: readonly string[],
  { kind, branch }: { kind: 'role' | 'database'; branch: string },
): string {
  const [first, second] = names
  if (first === undefined) throw new CliError(`No ${kind}s found for the branch: ${branch}`)
  if (second === undefined) return first
  throw new CliError(
    `Multiple ${kind}s found for the branch, please provide one with the --${kind}-name option: ` +
      names.join(', '),
  )
}

async function endpointOf({ client, path }: BranchScope, type: EndpointType): Promise<Endpoint> {
  const { endpoints } = await client.listProjectBranchEndpoints({ path })
  const endpoint = endpoints.find((candidate) => candidate.type === type)
  if (endpoint) return endpoint
  throw new CliError(`No ${type} endpoint found for the branch: ${path.branch_id}`, {
    advice: `Add one with \`coppice branches add-compute ${path.branch_id} --type ${type}\`.`,
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
