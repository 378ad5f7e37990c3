import type { Client, Project, ProjectUpdate } from '@coppice/api'
import { type Command, Option } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { addComputeFlags, computeFields, type ComputeFlags } from '../compute-options.ts'
import { openScope } from '../context.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseSeconds } from '../parse.ts'
import { addPoolerFlag, type PoolerFlags } from '../pooler-options.ts'
import { projectDetails, projectTable, recoveryHint } from '../views/project.ts'
import { addCloudFlags } from './elsewhere.ts'
import { addProjectCreate } from './projects-create.ts'

const projectsPerPage = 100
/** A server that answers full pages for ever must not keep us. */
const pagesMax = 1000

/** `projects`: what holds branches together. */
export function addProjects(program: Command, cli: Cli): void {
  const projects = program
    .command('projects')
    .alias('project')
    .description('Manage projects: a database with all its branches.')
  addList(projects, cli)
  addProjectCreate(projects, cli)
  addGet(projects, cli)
  addUpdate(projects, cli)
  addDelete(projects, cli)
  addRecover(projects, cli)
}

interface ListFlags {
  orgId?: string
  recoverableOnly?: boolean
}

function addList(projects: Command, cli: Cli): void {
  const command = projects
    .command('list')
    .description('List projects.')
    .option('--org-id <id>', 'Only projects of this organization.')
    .option('--recoverable-only', 'Deleted projects that can be brought back.')
  addExamples(command, [
    ['projects list', 'All projects'],
    ["projects list -o json | jq '.projects[].databases[].size_bytes'", 'Size of each database'],
  ]).action(async (flags: ListFlags) => {
    const client = await connect(cli)
    const list = await listProjects(client, flags)
    const shared = flags.orgId === undefined ? await listShared(client) : undefined
    // Neon's CLI prints two lists, or the one alone where an organization is named.
    const data = shared ? { projects: list, shared_with_you: shared } : list
    await cli.output.answer(data, () =>
      list.length > 0
        ? projectTable(list)
        : 'No projects found. Create one with `coppice projects create --name <name>`.',
    )
  })
}

async function listProjects(client: Client, flags: ListFlags): Promise<Project[]> {
  const list: Project[] = []
  let cursor: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const { projects, pagination } = await client.listProjects({
      query: defined({
        limit: projectsPerPage,
        org_id: flags.orgId,
        recoverable: flags.recoverableOnly,
        cursor,
      }),
    })
    list.push(...projects)
    cursor = pagination?.cursor
    if (cursor === undefined || projects.length < projectsPerPage) break
  }
  return list
}

async function listShared(client: Client): Promise<Project[]> {
  const { projects } = await client.listSharedProjects({ query: { limit: projectsPerPage } })
  return projects
}

function addGet(projects: Command, cli: Cli): void {
  projects
    .command('get')
    .description('Show a project.')
    .argument('[id]', 'Project, by id; the current one unless given.')
    .action(async (id: string | undefined) => {
      const { client, projectId } = await scopeOf(cli, id)
      const { project } = await client.getProject({ path: { project_id: projectId } })
      await cli.output.answer(project, () => projectDetails(project))
    })
}

interface UpdateFlags extends ComputeFlags, PoolerFlags {
  name?: string
  historyRetention?: number
  enableLogicalReplication?: boolean
  yes?: boolean
}

function addUpdate(projects: Command, cli: Cli): void {
  const command = projects
    .command('update')
    .description('Change a project. Sizes apply to computes made from then on, the pooler to all.')
    .argument('[id]', 'Project, by id; the current one unless given.')
    .option('--name <name>', 'New name.')
  addPoolerFlag(addComputeFlags(command))
    .addOption(
      new Option('--history-retention <time>', 'How far back to restore: 7d, 12h.').argParser(
        parseSeconds,
      ),
    )
    .option(
      '--enable-logical-replication',
      'Serve logical replication. Restarts computes; it cannot be disabled again.',
    )
    .option('-y, --yes', 'Do not ask.')
  addExamples(addCloudFlags(command), [
    ['projects update --pooler default_pool_size=50', 'Larger pools, at once and everywhere'],
    ['projects update --pooler default_pool_size=', 'The default again'],
  ]).action(async (id: string | undefined, flags: UpdateFlags) => {
    const changes = projectChanges(flags)
    if (Object.keys(changes).length === 0) throw new CliError('Nothing to change was given.')
    const { client, projectId } = await scopeOf(cli, id)
    if (flags.enableLogicalReplication && !flags.yes) await confirmReplication(cli)
    const { project, operations } = await client.updateProject({
      path: { project_id: projectId },
      body: { project: changes },
    })
    await cli.output.answer(project, () => projectDetails(project))
    const restarts = operations.filter(({ action }) => action === 'start_compute').length
    if (restarts > 0) cli.output.note(`Computes that restart now: ${restarts}.`)
  })
}

function projectChanges(flags: UpdateFlags): ProjectUpdate['project'] {
  const settings = defined({ ...computeFields(flags), pgbouncer_settings: flags.pooler })
  return defined({
    name: flags.name,
    history_retention_seconds: flags.historyRetention,
    settings: flags.enableLogicalReplication ? { enable_logical_replication: true } : undefined,
    default_endpoint_settings: Object.keys(settings).length > 0 ? settings : undefined,
  })
}

async function confirmReplication(cli: Cli): Promise<void> {
  if (!cli.output.isInteractive) return
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: 'Enable logical replication? Computes restart, and it cannot be disabled again.',
    initialValue: false,
    output: cli.output.stderr,
  })
  if (answer !== true) throw new CliError('Nothing was changed.')
}

interface DeleteFlags {
  hardDelete?: boolean
  yes?: boolean
}

function addDelete(projects: Command, cli: Cli): void {
  projects
    .command('delete')
    .description('Delete a project with all its branches. It can be brought back for some days.')
    .argument('[id]', 'Project, by id.')
    .option('--hard-delete', 'Free its space at once; it cannot be brought back.')
    .option('-y, --yes', 'Do not ask.')
    .action(async (id: string | undefined, flags: DeleteFlags) => {
      // Never the pinned or only project: what is deleted has to be named.
      const projectId = id ?? cli.options.projectId
      if (!projectId) {
        throw new CliError('Which project?', {
          advice: 'For example: coppice projects delete quiet-sea-12345678',
        })
      }
      const client = await connect(cli)
      if (!flags.yes) await confirmDelete(cli, client, projectId)
      const { project } = await client.deleteProject({
        path: { project_id: projectId },
        query: flags.hardDelete ? { hard_delete: true } : {},
      })
      await cli.output.answer(project, () => recoveryHint(project))
    })
}

async function confirmDelete(cli: Cli, client: Client, projectId: string): Promise<void> {
  if (!cli.output.isInteractive) return
  const { project } = await client.getProject({ path: { project_id: projectId } })
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: `Delete project ${project.name} (${project.id}) with all its branches?`,
    initialValue: false,
    output: cli.output.stderr,
  })
  if (answer !== true) throw new CliError('Nothing was deleted.')
}

function addRecover(projects: Command, cli: Cli): void {
  projects
    .command('recover')
    .description('Bring a deleted project back.')
    .argument('<id>', 'Project, by id; `projects list --recoverable-only` shows it.')
    .action(async (id: string) => {
      const client = await connect(cli)
      const { project } = await client.recoverProject({ path: { project_id: id } })
      await cli.output.answer(project, () => projectDetails(project))
    })
}

async function scopeOf(
  cli: Cli,
  id: string | undefined,
): Promise<{ client: Client; projectId: string }> {
  return id === undefined ? openScope(cli) : { client: await connect(cli), projectId: id }
}
