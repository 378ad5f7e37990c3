import { basename } from 'node:path'

import type { Branch } from '@coppice/api'
import { ApiError } from '@coppice/api/client'

import type { Cli } from './cli.ts'
import { type Context, contextFileOf, writeContext, writeContextFile } from './context-file.ts'
import type { Scope } from './context.ts'
import { defined } from './defined.ts'
import { envFilePath, writeEnvFile } from './env-file.ts'
import { chooseVariables, readVariables, type Variable } from './env-variables.ts'
import { CliError } from './errors.ts'
import { isCommittable } from './git-repository.ts'

/** What is pinned from now on, and where that is written. */
export interface Pinned {
  context: Context
  file: string
}

/** Pins a project and one of its branches, for the commands run from here or below a directory. */
export async function pinBranch(
  cli: Cli,
  scope: Scope,
  branch: Branch,
  directory?: string,
): Promise<Pinned> {
  const { project } = await scope.client.getProject({ path: { project_id: scope.projectId } })
  const context = defined({
    projectId: project.id,
    orgId: project.org_id,
    branch: branch.name,
  })
  const file =
    directory === undefined
      ? writeContext(cli, context)
      : writeContextFile(contextFileOf(directory), context)
  return { context, file }
}

/** Writes variables of a branch into an env file and answers its path. */
export async function pullVariables(
  cli: Cli,
  branch: Branch,
  variables: readonly Variable[],
  { directory = cli.config.cwd, file }: { directory?: string; file?: string } = {},
): Promise<string> {
  const values = await readVariables(cli, branch, variables)
  const path = envFilePath(directory, file)
  writeEnvFile(path, values)
  if (await isCommittable(cli, path)) {
    cli.output.note(
      `${basename(path)} holds a password, and git does not ignore it: add it to .gitignore.`,
    )
  }
  return path
}

/** The same after pinning, which has succeeded whether this does or not. */
export async function pullAfterPinning(
  cli: Cli,
  branch: Branch,
  directory?: string,
): Promise<void> {
  const variables = chooseVariables([], [])
  try {
    const path = await pullVariables(cli, branch, variables, defined({ directory }))
    cli.output.note(`Wrote ${variables.join(', ')} to ${path}.`)
  } catch (error) {
    if (!(error instanceof CliError || error instanceof ApiError)) throw error
    cli.output.note(`No variables were written: ${error.message}`)
  }
}
