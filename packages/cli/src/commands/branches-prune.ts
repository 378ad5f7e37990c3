import type { Command } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { writeContextFile } from '../context-file.ts'
import type { Scope } from '../context.ts'
import { CliError } from '../errors.ts'
import { localBranches, remoteBranches, remotes, remoteUrl } from '../git-repository.ts'
import { createPullRequests, type PullRequests, repositoryOf } from '../github.ts'
import { addExamples } from '../help.ts'
import { openLinkedRepository } from '../linked-repository.ts'
import { findLeftovers, type Leftover, listPreviews } from '../preview-branches.ts'
import { renderTable } from '../table.ts'

interface PruneFlags {
  pullRequests?: boolean
  repository?: string
  remote: string
  yes?: boolean
}

/** `branches prune`: lists previews whose git branch or pull request is gone, and deletes them when told to. */
export function addBranchPrune(branches: Command, cli: Cli): void {
  const command = branches
    .command('prune')
    .description(
      'List the preview branches whose git branch is gone, here and on the remote; with --yes, delete them.',
    )
    .option('--pull-requests', 'Also those whose pull request on GitHub is closed.')
    .option(
      '--repository <owner/name>',
      "The repository on GitHub; GITHUB_REPOSITORY or the remote's unless given.",
    )
    .option('--remote <name>', 'The remote in git; origin unless given.', 'origin')
    .option('-y, --yes', 'Delete them.')
  addExamples(command, [
    ['branches prune', 'Show what would go, and what stays and why'],
    ['branches prune --pull-requests --yes', 'Delete also what belonged to closed pull requests'],
  ]).action(async (flags: PruneFlags) => prune(cli, flags))
}

async function prune(cli: Cli, flags: PruneFlags): Promise<void> {
  const { file, context } = await openLinkedRepository(cli)
  const { projectId } = context
  const scope: Scope = { client: await connect(cli), projectId, pinnedBranch: undefined }
  const map = context.git?.map ?? {}
  const previews = await listPreviews(scope, map)
  const leftovers = await findLeftovers(previews, {
    gitBranches: await allGitBranches(cli, flags.remote),
    pulls: flags.pullRequests ? await openPullRequests(cli, flags) : undefined,
  })
  const deleted = flags.yes ? await deleteAll(scope, leftovers) : new Set<string>()
  if (deleted.size > 0) {
    const kept = Object.entries(map).filter(([, name]) => !deleted.has(name))
    writeContextFile(file, { ...context, git: { ...context.git, map: Object.fromEntries(kept) } })
  }
  const answer = leftovers.map((one) => describe(one, deleted))
  await cli.output.answer(answer, async () =>
    answer.length === 0 ? 'Nothing is left of git branches that are gone.' : pruneTable(answer),
  )
  const unknown = previews.filter((one) => one.gitBranches.length === 0 && !flags.pullRequests)
  if (unknown.length > 0) {
    const names = unknown.map(({ branch }) => branch.name).join(', ')
    cli.output.note(`Of pull requests, which only --pull-requests asks about: ${names}.`)
  }
  if (!flags.yes && leftovers.some(({ kept }) => kept === undefined)) {
    cli.output.note('Nothing was deleted. To delete what is to go: coppice branches prune --yes')
  }
}

/** Here and on the remote; rejects where that does not answer, since nothing is known to be gone then. */
async function allGitBranches(cli: Cli, remote: string): Promise<Set<string>> {
  const local = await localBranches(cli)
  const hasRemote = (await remotes(cli)).includes(remote)
  if (!hasRemote && remote !== 'origin') throw new CliError(`git has no remote ${remote}.`)
  return new Set([...local, ...(hasRemote ? await remoteBranches(cli, remote) : [])])
}

async function openPullRequests(cli: Cli, flags: PruneFlags): Promise<PullRequests> {
  const { github } = cli.config
  const url = (await remoteUrl(cli, flags.remote)) ?? ''
  const repository = flags.repository ?? github.repository ?? repositoryOf(url)
  if (repository !== undefined && /^[\w.-]+\/[\w.-]+$/.test(repository)) {
    return createPullRequests(github, repository)
  }
  throw new CliError('Which repository on GitHub?', {
    advice: 'Name it: coppice branches prune --pull-requests --repository owner/name',
  })
}

/** Answers the names of what is deleted; one that somebody else has deleted meanwhile is. */
async function deleteAll(scope: Scope, leftovers: readonly Leftover[]): Promise<Set<string>> {
  const deleted = new Set<string>()
  for (const { branch, kept } of leftovers) {
    if (kept !== undefined) continue
    const path = { project_id: scope.projectId, branch_id: branch.id }
    await scope.client.deleteProjectBranch({ path, query: {} })
    deleted.add(branch.name)
  }
  return deleted
}

interface PrunedBranch {
  id: string
  name: string
  git_branches: string[]
  pull_request: number | null
  reason: string
  action: 'delete' | 'deleted' | 'keep'
  kept_because: string | null
}

function describe(leftover: Leftover, deleted: ReadonlySet<string>): PrunedBranch {
  const { branch, gitBranches, pullRequest, reason, kept } = leftover
  const action = kept === undefined ? (deleted.has(branch.name) ? 'deleted' : 'delete') : 'keep'
  return {
    id: branch.id,
    name: branch.name,
    git_branches: gitBranches,
    pull_request: pullRequest ?? null,
    reason,
    action,
    kept_because: kept ?? null,
  }
}

async function pruneTable(branches: readonly PrunedBranch[]): Promise<string> {
  return renderTable<PrunedBranch>(
    [
      { title: 'branch', value: (one) => one.name },
      { title: 'id', value: (one) => one.id },
      { title: 'why', value: (one) => one.reason },
      { title: 'action', value: (one) => one.action },
      { title: 'stays, since', value: (one) => one.kept_because ?? undefined },
    ],
    branches,
  )
}
