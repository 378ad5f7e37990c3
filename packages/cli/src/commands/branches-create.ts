import type { BranchCreate, RouteOutput, Routes } from '@coppice/api'
import { branchIdPattern } from '@coppice/api/client'
import { getBranch } from '@coppice/migrate/scope'
import { type Command, Option } from 'commander'

import { waitForAnonymization } from '../anonymization.ts'
import { chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import {
  addComputeFlags,
  computeFields,
  type ComputeFlags,
  givenComputeFlags,
} from '../compute-options.ts'
import { defaultBranch, openScope, type Scope } from '../context.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { readMaskingFile } from '../masking-file.ts'
import { parseMoment } from '../parse.ts'
import { parseBranchPoint, parsePastMoment } from '../point-in-time.ts'
import { runPsql } from '../psql.ts'
import { branchDetails } from '../views/branch.ts'
import { connectionStrings } from '../views/connection.ts'

interface CreateFlags extends ComputeFlags {
  name?: string
  branchName?: string
  branch?: string
  parent?: string
  parentId?: string
  parentBranchId?: string
  compute: boolean | string
  type?: 'read_write' | 'read_only'
  expiresAt?: string
  protected?: boolean
  schemaOnly?: boolean
  mask?: string
  psql?: boolean
  secrets: boolean
}

type Answer = RouteOutput<Routes['createProjectBranch']>

/** `branches create`: a branch with a compute on it, as Neon's CLI makes it. */
export function addBranchCreate(branches: Command, cli: Cli): void {
  const command = branches
    .command('create')
    .description('Create a branch: a copy of its parent that shares what neither has changed.')
    .argument('[name]', 'Name of the new branch; it gets one unless given.')
    .option('--name <name>', 'Name of the new branch (also --branch-name).')
    .addOption(new Option('--branch-name <name>', 'The same as --name.').hideHelp())
    .addOption(new Option('--branch <name>', 'The same as --name.').hideHelp())
    .option(
      '--parent <branch>',
      'Branch to copy, the default one unless given; main@time or main@LSN, as it was then.',
    )
    .addOption(new Option('--parent-id <name|id>', 'The same as --parent.').hideHelp())
    .addOption(new Option('--parent-branch-id <name|id>', 'The same as --parent.').hideHelp())
    .option('--no-compute', 'Create the branch without a compute.')
    .addOption(
      new Option(
        '--type <type>',
        'Kind of compute: read_write, as it is unless given, or read_only.',
      ).choices(['read_write', 'read_only']),
    )
  addComputeFlags(command)
    .addOption(
      new Option('--expires-at <time>', 'Delete it then: a time, or a span such as 7d.').argParser(
        parseMoment,
      ),
    )
    .option('--protected', 'Guard it against deletion.')
    .option('--schema-only', 'Copy the schema and no rows; the branch has no parent then.')
    .option(
      '--mask <file>',
      'Copy the data masked by the rules of a YAML or JSON file; the branch has no parent then.',
    )
    .option('--psql', 'Connect to it with psql; arguments for psql go after --.')
    .option('--no-secrets', 'Leave the connection string out, for logs that others read.')
    .addOption(new Option('--secrets').hideHelp().default(true))
    .addOption(
      new Option(
        '--compute [name]',
        'Share a compute with other branches, as `computes list` shows them.',
      ).default(true),
    )
  addExamples(command, [
    ['branches create --name feature/new-column', 'A branch of the default branch'],
    ['branches create --parent main --name preview --expires-at 7d', 'One that goes by itself'],
    ['branches create --name small --autoscale-limit 0.25', 'One with a small compute'],
    ['branches create --name try --compute dev', 'One that shares the compute dev'],
    ['branches create --name masked --mask masking.yaml', 'One with masked data'],
    ['branches create --name before --parent main@2030-01-31T12:00:00Z', 'As main was then'],
  ]).action(async (positional: string | undefined, flags: CreateFlags) => {
    await createBranch(cli, nameOf(positional, flags), flags)
  })
}

async function createBranch(cli: Cli, name: string | undefined, flags: CreateFlags): Promise<void> {
  checkFlags(flags)
  const parent = parentOf(flags)
  const scope = await openScope(cli)
  const path = { project_id: scope.projectId }
  const wanted: BranchCreate = {
    branch: {
      ...(name !== undefined && { name }),
      ...(await parentFields(scope, parent)),
      ...(flags.expiresAt !== undefined && { expires_at: flags.expiresAt }),
      ...(flags.protected && { protected: true }),
      ...(flags.schemaOnly && { init_source: 'schema-only' as const }),
    },
    endpoints: flags.compute
      ? [{ type: flags.type ?? 'read_write', ...computeFields(flags), ...sharedField(flags) }]
      : [],
  }
  const answer =
    flags.mask === undefined
      ? await scope.client.createProjectBranch({ path, body: wanted })
      : await createMasked(cli, scope, wanted, flags.mask)
  const shown = shownParts(answer, flags.secrets)
  await cli.output.answer(shown, () => renderAnswer(shown))
  if (flags.psql) cli.result.exitCode = await runPsql(cli, firstUri(answer))
}

/** Answers when the branch is filled: until then it has the schema and no rows. */
async function createMasked(
  cli: Cli,
  scope: Scope,
  wanted: BranchCreate,
  file: string,
): Promise<Answer> {
  const source = wanted.branch?.parent_id || (await defaultBranch(scope)).id
  const answer = await scope.client.createProjectBranchAnonymized({
    path: { project_id: scope.projectId },
    body: {
      branch_create: wanted,
      masking_rules: await readMaskingFile(cli, scope, { file, branch: source }),
      start_anonymization: true,
    },
  })
  await waitForAnonymization(cli, scope, answer.branch.id)
  return answer
}

function checkFlags(flags: CreateFlags): void {
  const [needsCompute] = [...givenComputeFlags(flags), ...(flags.type ? ['--type'] : [])]
  if (!flags.compute && needsCompute !== undefined) {
    throw new CliError(`${needsCompute} is about a compute, and --no-compute leaves it out.`)
  }
  if (!flags.compute && flags.psql) throw new CliError('--psql needs a compute to connect to.')
  if (flags.schemaOnly && (!flags.compute || flags.type === 'read_only')) {
    throw new CliError('--schema-only needs a read_write compute, which fills the branch.')
  }
  if (flags.schemaOnly && flags.mask !== undefined) {
    throw new CliError('--schema-only copies no rows, so there is nothing for --mask to mask.')
  }
}

/** `--compute` alone is Neon's: with one, as it is unless `--no-compute` says otherwise. */
const sharedField = ({ compute }: CreateFlags): { compute_id?: string } =>
  typeof compute === 'string' ? { compute_id: compute } : {}

function nameOf(positional: string | undefined, flags: CreateFlags): string | undefined {
  const { name, branchName, branch } = flags
  return chooseBranch({ positional, flags: { name, branchName, branch } })
}

function parentOf({ parent, parentId, parentBranchId }: CreateFlags): string | undefined {
  const given = [parent, parentId, parentBranchId].filter((value) => value !== undefined)
  const [first, other] = new Set(given)
  if (other !== undefined) throw new CliError(`Two parents are named: ${first} and ${other}.`)
  if (first === '') throw new CliError('The name of the parent is empty.')
  return first
}

type ParentFields = Pick<
  NonNullable<BranchCreate['branch']>,
  'parent_id' | 'parent_lsn' | 'parent_timestamp'
>

/** A branch by name or id, as it is or was; a moment alone is one of the default branch. */
async function parentFields(scope: Scope, parent: string | undefined): Promise<ParentFields> {
  if (parent === undefined) return {}
  const alone = parsePastMoment(parent)
  const { branch, moment } = alone ? { branch: undefined, moment: alone } : parseBranchPoint(parent)
  return defined({
    parent_id: branch === undefined ? undefined : await branchIdOf(scope, branch),
    parent_timestamp: moment.timestamp,
    parent_lsn: moment.lsn,
  })
}

async function branchIdOf(scope: Scope, nameOrId: string): Promise<string> {
  return branchIdPattern.test(nameOrId) ? nameOrId : (await getBranch(scope, nameOrId)).id
}

type Shown = Pick<Answer, 'branch' | 'endpoints' | 'connection_uris' | 'operations'>

/** What Neon's CLI prints, and the operations, by which a script can wait. */
function shownParts(answer: Answer, secrets: boolean): Shown {
  const { branch, endpoints, connection_uris: uris, operations } = answer
  return {
    branch,
    endpoints,
    ...(secrets && uris && { connection_uris: uris }),
    operations,
  }
}

async function renderAnswer({ branch, endpoints, connection_uris: uris }: Shown): Promise<string> {
  const hosts = endpoints.map((endpoint) => `Compute: ${endpoint.id} (${endpoint.host})`)
  return [await branchDetails(branch), ...hosts, connectionStrings(uris ?? [])]
    .filter((part) => part !== '')
    .join('\n\n')
}

function firstUri({ branch, connection_uris: uris }: Answer): string {
  const first = uris?.[0]
  if (!first) throw new CliError(`Branch ${branch.name} has no connection string yet.`)
  return first.connection_uri
}
