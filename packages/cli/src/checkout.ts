import type { Branch } from '@coppice/api'
import { ApiError } from '@coppice/api/client'
import { getBranch } from '@coppice/migrate/scope'

import { confirmed } from './choose.ts'
import type { Cli } from './cli.ts'
import type { Scope } from './context.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'
import { type Pinned, pinBranch, pullAfterPinning } from './pinning.ts'

export interface CheckoutOptions {
  /** Make the branch where it is not there. */
  create: boolean
  /** Of what, and for how long; of the default branch and for good unless given. */
  newBranch?: NewBranch
  /** Write its variables to the env file. */
  envPull: boolean
  /** Whether somebody may be asked. */
  ask: boolean
  /** Where both files are; here, or above, unless given. */
  directory?: string
}

/** Of a branch that is made: its parent, by name or id, and when it goes by itself. */
export interface NewBranch {
  parent?: string | undefined
  expiresAt?: string | undefined
  /** The branch of git that it is made for. */
  gitBranch?: string | undefined
}

/** Under which a branch is noted to be a git branch's. */
export const gitBranchNote = 'git-branch'

/** Pins a branch, which is made first where that is wanted. */
export async function checkOut(
  cli: Cli,
  scope: Scope,
  name: string,
  options: CheckoutOptions,
): Promise<Pinned & { branch: Branch }> {
  const { envPull, directory } = options
  const branch = (await findIfThere(scope, name)) ?? (await makeMissing(cli, scope, name, options))
  const pinned = await pinBranch(cli, scope, branch, directory)
  if (envPull) await pullAfterPinning(cli, branch, directory)
  return { ...pinned, branch }
}

async function findIfThere(scope: Scope, name: string): Promise<Branch | undefined> {
  try {
    return await getBranch(scope, name)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'branch_not_found') return undefined
    throw error
  }
}

async function makeMissing(
  cli: Cli,
  scope: Scope,
  name: string,
  { create, ask, newBranch = {} }: CheckoutOptions,
): Promise<Branch> {
  const question = `Branch ${name} does not exist. Create it?`
  if (!create && !(ask && (await confirmed(cli, question)))) {
    throw new CliError(`Branch ${name} does not exist.`, {
      advice: `Create it with: coppice checkout ${name} --create`,
    })
  }
  const { parent, expiresAt, gitBranch } = newBranch
  const { branch } = await scope.client.createProjectBranch({
    path: { project_id: scope.projectId },
    body: {
      branch: defined({
        name,
        parent_id: parent === undefined ? undefined : (await getBranch(scope, parent)).id,
        expires_at: expiresAt,
      }),
      endpoints: [{ type: 'read_write' }],
      ...(gitBranch !== undefined && { annotation_value: { [gitBranchNote]: gitBranch } }),
    },
  })
  const until = expiresAt === undefined ? '' : `, which goes at ${expiresAt}`
  cli.output.note(`Created branch ${branch.name} (${branch.id})${until}.`)
  return branch
}
