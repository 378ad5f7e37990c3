import type { ProjectCreate, RouteOutput, Routes } from '@coppice/api'
import { type Command, Option } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { addComputeFlags, computeFields, type ComputeFlags } from '../compute-options.ts'
import { writeContext } from '../context-file.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseCount, parseSeconds } from '../parse.ts'
import { runPsql } from '../psql.ts'
import { connectionStrings } from '../views/connection.ts'
import { projectDetails } from '../views/project.ts'
import { addCloudFlags } from './elsewhere.ts'

interface CreateFlags extends ComputeFlags {
  name?: string
  regionId?: string
  orgId?: string
  pgVersion?: number
  branchName?: string
  database?: string
  role?: string
  historyRetention?: number
  setContext?: boolean
  psql?: boolean
  secrets: boolean
}

type Answer = RouteOutput<Routes['createProject']>

/** `projects create`: a project with its first branch, role, database and compute. */
export function addProjectCreate(projects: Command, cli: Cli): void {
  const command = projects
    .command('create')
    .description('Create a project with a branch, a role, a database and a compute.')
    .option('--name <name>', 'Name of the project; without one it gets a name.')
    .addOption(
      new Option(
        '--pg-version <major>',
        'PostgreSQL, 14 to 18; the newest unless given.',
      ).argParser(parseCount),
    )
    .option('--branch-name <name>', 'Name of its first branch: main unless given.')
    .option('--database <name>', 'Name of its first database: neondb unless given.')
    .option('--role <name>', 'Owner of that database: neondb_owner unless given.')
    .option('--region-id <id>', 'Region, as Neon has them; here there is one.')
    .option('--org-id <id>', 'Organization, as Neon has them; here there is one.')
  addComputeFlags(command)
    .addOption(
      new Option('--history-retention <time>', 'How far back to restore: 7d, 12h.').argParser(
        parseSeconds,
      ),
    )
    .option('--set-context', 'Pin it in .neon, for the commands run below this directory.')
    .option('--psql', 'Connect to it with psql; arguments for psql go after --.')
    .option('--no-secrets', 'Leave the connection string out, for logs that others read.')
    .addOption(new Option('--secrets').hideHelp().default(true))
  addExamples(addCloudFlags(command), [
    ['projects create --name shop --set-context', 'A project that is used from here on'],
    ['projects create --name legacy --pg-version 15 --cu 0.25-2', 'An older PostgreSQL'],
  ]).action(async (flags: CreateFlags) => createProject(cli, flags))
}

async function createProject(cli: Cli, flags: CreateFlags): Promise<void> {
  const client = await connect(cli)
  const answer = await client.createProject({ body: { project: projectFields(flags) } })
  if (flags.setContext) {
    const path = writeContext(cli, { projectId: answer.project.id })
    cli.output.note(`Pinned in ${path}.`)
  }
  const { project, connection_uris: uris } = answer
  const shown = { project, ...(flags.secrets && { connection_uris: uris }) }
  await cli.output.answer(shown, async () =>
    [await projectDetails(project), connectionStrings(shown.connection_uris ?? [])]
      .filter((part) => part !== '')
      .join('\n\n'),
  )
  if (flags.psql) cli.result.exitCode = await runPsql(cli, firstUri(answer))
}

function projectFields(flags: CreateFlags): ProjectCreate['project'] {
  const branch = defined({
    name: flags.branchName,
    database_name: flags.database,
    role_name: flags.role,
  })
  const settings = computeFields(flags)
  return defined({
    name: flags.name,
    region_id: flags.regionId,
    org_id: flags.orgId,
    pg_version: flags.pgVersion,
    history_retention_seconds: flags.historyRetention,
    branch: Object.keys(branch).length > 0 ? branch : undefined,
    default_endpoint_settings: Object.keys(settings).length > 0 ? settings : undefined,
  })
}

function firstUri({ project, connection_uris: uris }: Answer): string {
  const first = uris[0]
  if (!first) throw new CliError(`Project ${project.name} has no connection string yet.`)
  return first.connection_uri
}
