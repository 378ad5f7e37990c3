import type { Branch } from '@coppice/api'
import type { Client } from '@coppice/api/client'
import { getBranch } from '@coppice/migrate/scope'
import { type Command, Option } from 'commander'

import { connect } from '../api.ts'
import { chooseBranch } from '../branch-choice.ts'
import { choose } from '../choose.ts'
import type { Cli } from '../cli.ts'
import { type Context, findContextFile, readContext, writeContext } from '../context-file.ts'
import { eachBranch, type Scope } from '../context.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { pinBranch, pullAfterPinning } from '../pinning.ts'
import { parseObject } from '../platform.ts'
import { contextDetails } from '../views/context.ts'

interface LinkFlags {
  orgId?: string
  projectName?: string
  regionId?: string
  branch?: string
  branchId?: string
  branchName?: string
  params?: string
  yes?: boolean
  clear?: boolean
  show?: boolean
  checks: boolean
  envPull: boolean
}

/** What a link is made of, from flags and `--params`. */
interface Wanted {
  projectId: string | undefined
  projectName: string | undefined
  regionId: string | undefined
  orgId: string | undefined
  branch: string | undefined
}

/** `link`: the project that a directory belongs to. */
export function addLink(program: Command, cli: Cli): void {
  const command = program
    .command('link')
    .description('Link this directory with a project and a branch, in .neon.')
    .option('--org-id <id>', 'Organization, as Neon has them; here there is one.')
    .option('--project-name <name>', 'Create a project of this name and link it.')
    .option('--region-id <id>', 'Region of a new project, as Neon has them; here there is one.')
    .option('--branch <name|id>', 'Branch to pin; the only one, or the default one.')
    .addOption(new Option('--branch-id <name|id>', 'The same as --branch.').hideHelp())
    .addOption(new Option('--branch-name <name>', 'The same as --branch.').hideHelp())
    .option('--params <json>', 'The same as one JSON object: projectId, projectName, branch.')
    .option('-y, --yes', 'Do not ask.')
    .option('--show', 'Show what is linked.')
    .option('--clear', 'Forget what is linked.')
    .option('--no-checks', 'Write what was given without asking the API.')
    .option('--no-env-pull', 'Leave the env file alone.')
    .addOption(new Option('--no-config', 'For neon.ts.').hideHelp())
  addExamples(command, [
    ['link --project-id quiet-sea-12345678', 'An existing project'],
    ['link --project-name shop', 'A new one'],
    ['link --branch feature/new-column', 'Another branch of the linked one'],
    ['link --show', 'What is linked'],
  ]).action(async (flags: LinkFlags) => {
    if (flags.show) return show(cli)
    if (flags.clear) return clear(cli)
    const wanted = wantedOf(cli, flags)
    if (flags.checks) await link(cli, wanted, flags)
    else await linkUnchecked(cli, wanted)
  })
}

async function show(cli: Cli): Promise<void> {
  const file = findContextFile(cli)
  const context = readContext(cli)
  if (file === undefined || context.projectId === undefined) {
    throw new CliError('Nothing is linked here.', {
      advice: 'Link a project with `coppice link --project-id <id>`.',
    })
  }
  await cli.output.answer(context, () => contextDetails(context, file))
}

function clear(cli: Cli): void {
  const file = findContextFile(cli)
  if (file === undefined) cli.output.note('Nothing is linked here.')
  else cli.output.note(`Nothing is pinned in ${writeContext(cli, {})} now.`)
}

/** Flags go before fields. */
function wantedOf(cli: Cli, flags: LinkFlags): Wanted {
  const params = flags.params === undefined ? {} : parseParams(flags.params)
  return {
    projectId: cli.options.projectId ?? params['projectId'],
    projectName: flags.projectName ?? params['projectName'],
    regionId: flags.regionId ?? params['regionId'],
    orgId: flags.orgId ?? params['orgId'],
    branch: branchOf(flags) ?? params['branch'] ?? params['branchId'],
  }
}

function branchOf({ branch, branchId, branchName }: LinkFlags): string | undefined {
  return chooseBranch({ flags: { branch, branchName, id: branchId } })
}

function parseParams(text: string): Record<string, string | undefined> {
  const params = Object.entries(parseObject(text) ?? {})
  const isValid = params.length > 0 && params.every(([, value]) => typeof value === 'string')
  if (isValid) return Object.fromEntries(params) as Record<string, string>
  throw new CliError('--params is not a JSON object of texts.', {
    advice: 'For example: --params \'{"projectId":"quiet-sea-12345678","branch":"main"}\'',
  })
}

async function link(cli: Cli, wanted: Wanted, flags: LinkFlags): Promise<void> {
  if (wanted.projectName !== undefined && wanted.projectId !== undefined) {
    throw new CliError('A project is either linked by its id or created by its name.')
  }
  const client = await connect(cli)
  const projectId = await projectOf(cli, client, wanted, flags)
  const scope = { client, projectId, pinnedBranch: undefined }
  const branch =
    wanted.branch === undefined
      ? await pickBranch(cli, scope, flags)
      : await getBranch(scope, wanted.branch)
  const { context, file } = await pinBranch(cli, scope, branch)
  if (flags.envPull) await pullAfterPinning(cli, branch)
  await cli.output.answer(context, () => contextDetails(context, file))
}

async function projectOf(
  cli: Cli,
  client: Client,
  { projectId, projectName, regionId, orgId, branch }: Wanted,
  { yes }: LinkFlags,
): Promise<string> {
  if (projectId !== undefined) return projectId
  if (projectName !== undefined) {
    const project = defined({ name: projectName, region_id: regionId, org_id: orgId })
    const created = await client.createProject({ body: { project } })
    cli.output.note(`Created project ${created.project.name} (${created.project.id}).`)
    return created.project.id
  }
  const linked = readContext(cli).projectId
  if (branch !== undefined && linked !== undefined) return linked
  return pickProject(cli, client, yes ?? false)
}

/** As many as one page of the API has. */
const projectsOffered = 100

async function pickProject(cli: Cli, client: Client, yes: boolean): Promise<string> {
  const { projects } = await client.listProjects({ query: { limit: projectsOffered } })
  const [first, second] = projects
  if (!first) {
    throw new CliError('There is no project to link.', {
      advice: 'Create one with `coppice link --project-name <name>`.',
    })
  }
  if (!second) return first.id
  return choose(cli, {
    question: 'Which project?',
    among: projects,
    advice: 'Name it with --project-id.',
    never: yes,
  })
}

/** The only one; of several the default, unless somebody is there to ask. */
async function pickBranch(cli: Cli, scope: Scope, { yes }: LinkFlags): Promise<Branch> {
  const branches: Branch[] = []
  for await (const branch of eachBranch(scope)) branches.push(branch)
  const [first, second] = branches
  if (first && !second) return first
  if (!yes && cli.output.isInteractive) {
    const advice = 'Name it with --branch.'
    return getBranch(
      scope,
      await choose(cli, { question: 'Which branch?', among: branches, advice }),
    )
  }
  const main = branches.find((branch) => branch.default)
  if (main) return main
  throw new CliError('The project has no default branch.', { advice: 'Name one with --branch.' })
}

async function linkUnchecked(cli: Cli, wanted: Wanted): Promise<void> {
  const { projectId, orgId, branch } = wanted
  if (projectId === undefined) {
    throw new CliError('--no-checks needs --project-id: nothing is asked for then.')
  }
  const context: Context = defined({ projectId, orgId, branch })
  const file = writeContext(cli, context)
  await cli.output.answer(context, () => contextDetails(context, file))
}
