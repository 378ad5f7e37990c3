import type { Branch, RouteOutput, Routes } from '@coppice/api'
import type { Client } from '@coppice/api/client'
import { getBranch, type Scope as ProjectScope } from '@coppice/migrate/scope'

import { connect } from './api.ts'
import type { Cli } from './cli.ts'
import { readContext } from './context-file.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'

/** A client together with the project that the command is about. */
export interface Scope extends ProjectScope {
  /** The branch that `.neon` pins, where it pins one of this project. */
  pinnedBranch: string | undefined
}

/** Enough to tell one project from several and to name the first few. */
const projectsShown = 10
const branchesPerPage = 1000
/** A server that answers the same cursor for ever must not keep us. */
const pagesMax = 1000

/** The project by flag, `.neon` file, or because there is no other. */
export async function openScope(cli: Cli): Promise<Scope> {
  const context = readContext(cli)
  const given = cli.options.projectId ?? context.projectId
  if (given === '') throw new CliError('--project-id is empty.')
  const client = await connect(cli)
  const projectId = given ?? (await onlyProject(client))
  const pinsThis = context.projectId === undefined || context.projectId === projectId
  return { client, projectId, pinnedBranch: pinsThis ? context.branch : undefined }
}

async function onlyProject(client: Client): Promise<string> {
  const { projects } = await client.listProjects({ query: { limit: projectsShown } })
  const [first, second] = projects
  if (!first) {
    throw new CliError('No projects found.', {
      advice: 'Create one with `coppice projects create --name <name>`.',
    })
  }
  if (!second) return first.id
  const names = projects.map((project) => `  ${project.id}  ${project.name}`)
  throw new CliError('Multiple projects found, please provide one with the --project-id option.', {
    advice: `${names.join('\n')}\nOr pin one here with \`coppice set-context --project-id <id>\`.`,
  })
}

/**
 * What to put into a path or query that takes a branch: the name or id given, the pinned one, or
 * the id of the default branch. The API resolves names itself.
 */
export async function branchOrDefault(scope: Scope, given: string | undefined): Promise<string> {
  return given ?? scope.pinnedBranch ?? (await defaultBranch(scope)).id
}

/** A scope together with the branch that the command is about, as paths take it. */
export interface BranchScope extends Scope {
  path: { project_id: string; branch_id: string }
}

/** The project and the branch: the one given, the pinned one or the default. */
export async function openBranch(cli: Cli, given: string | undefined): Promise<BranchScope> {
  const scope = await openScope(cli)
  const branchId = await branchOrDefault(scope, given)
  return { ...scope, path: { project_id: scope.projectId, branch_id: branchId } }
}

/** The branch given, the pinned one or the default, whole. */
export async function getBranchOrDefault(scope: Scope, given: string | undefined): Promise<Branch> {
  const nameOrId = given ?? scope.pinnedBranch
  return nameOrId === undefined ? defaultBranch(scope) : getBranch(scope, nameOrId)
}

export async function defaultBranch(scope: Scope): Promise<Branch> {
  for await (const branch of eachBranch(scope)) {
    if (branch.default) return branch
  }
  throw new CliError(`Project ${scope.projectId} has no default branch.`, {
    advice: 'Name a branch with --branch, or choose one with `coppice branches set-default`.',
  })
}

interface BranchFilter {
  search?: string | undefined
  include_deleted?: boolean | undefined
}

/** Every branch of the project, page by page. */
export async function* eachBranch(scope: Scope, filter: BranchFilter = {}): AsyncGenerator<Branch> {
  for await (const { branches } of eachBranchPage(scope, filter)) yield* branches
}

type BranchPage = RouteOutput<Routes['listProjectBranches']>

/** The same with what was noted on them. */
export async function* eachBranchPage(
  { client, projectId }: Scope,
  filter: BranchFilter = {},
): AsyncGenerator<BranchPage> {
  let cursor: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const answer = await client.listProjectBranches({
      path: { project_id: projectId },
      query: defined({ ...filter, cursor, limit: branchesPerPage }),
    })
    yield answer
    cursor = answer.pagination.next
    if (cursor === undefined || answer.branches.length === 0) return
  }
}
