import type { Branch } from '@coppice/api'

import type { Cli } from './cli.ts'
import { type ConnectionChoice, getConnectionUri } from './connection.ts'
import { CliError } from './errors.ts'

/** What a branch gives a program, under the names that Neon's CLI writes. */
const variables = ['DATABASE_URL', 'DATABASE_URL_UNPOOLED', 'NEON_BRANCH'] as const
export type Variable = (typeof variables)[number]

/** The services of Neon that have variables; one of them is PostgreSQL. */
const cloudServices = ['auth', 'data-api', 'functions', 'object-storage', 'ai-gateway']

/** The variables that are named, by service or one by one; all of them where none is. */
export function chooseVariables(
  services: readonly string[],
  names: readonly string[],
): readonly Variable[] {
  for (const service of services) {
    if (cloudServices.includes(service)) {
      throw new CliError(`${service} is a service of Neon's cloud; Coppice has none like it.`, {
        advice: 'The service that there is: --service postgres',
      })
    }
    if (service !== 'postgres') throw new CliError(`There is no service ${service}, but postgres.`)
  }
  const chosen = names.map((name) => {
    const known = variables.find((variable) => variable === name)
    if (known) return known
    throw new CliError(`${name} is no variable of a branch.`, {
      advice: `There are ${variables.join(', ')}.`,
    })
  })
  return services.length > 0 || names.length === 0 ? variables : chosen
}

/** Their values: connection strings, pooled and not, and the name of the branch. */
export async function readVariables(
  cli: Cli,
  branch: Branch,
  chosen: readonly Variable[],
): Promise<Record<string, string>> {
  const values: Record<string, string> = {}
  for (const name of chosen) values[name] = await valueOf(cli, branch, name)
  return values
}

async function valueOf(cli: Cli, branch: Branch, name: Variable): Promise<string> {
  switch (name) {
    case 'DATABASE_URL':
      return getConnectionUri(cli, choice(branch, true))
    case 'DATABASE_URL_UNPOOLED':
      return getConnectionUri(cli, choice(branch, false))
    case 'NEON_BRANCH':
      return branch.name
  }
}

function choice(branch: Branch, pooled: boolean): ConnectionChoice {
  return {
    branch: branch.id,
    roleName: undefined,
    databaseName: undefined,
    endpointType: undefined,
    pooled,
    prisma: false,
    ssl: undefined,
  }
}
