import type { Branch } from '@coppice/api'

import { gitBranchNote } from './checkout.ts'
import { eachBranchPage, type Scope } from './context.ts'
import type { PullRequests } from './github.ts'

/** A branch that belongs to a branch of git, or to a pull request. */
export interface Preview {
  branch: Branch
  /** Usually one. */
  gitBranches: string[]
  pullRequest: number | undefined
  /** Names of branches that were made of it. */
  children: string[]
}

/** What is left of a preview whose git branch or pull request is gone. */
export interface Leftover extends Preview {
  /** What is gone. */
  reason: string
  /** Why it stays all the same; undefined where it may go. */
  kept: string | undefined
}

/**
 * The previews of a project: branches that `git sync` has made, which it notes on them; those that `.neon`
 * remembers for a git branch; and those named `preview/pr-42` or `preview/pr-42-branch`, as workflows do.
 */
export async function listPreviews(
  scope: Scope,
  map: Readonly<Record<string, string>>,
): Promise<Preview[]> {
  const branches: Branch[] = []
  const noted = new Map<string, string>()
  for await (const page of eachBranchPage(scope)) {
    branches.push(...page.branches)
    for (const [id, annotation] of Object.entries(page.annotations)) {
      const gitBranch = annotation.value[gitBranchNote]
      if (gitBranch !== undefined) noted.set(id, gitBranch)
    }
  }
  const mappedTo = (name: string) => Object.keys(map).filter((gitBranch) => map[gitBranch] === name)
  return branches.flatMap((branch) => {
    const [, number, rest] = /^preview\/pr-(\d+)(?:-(.+))?$/.exec(branch.name) ?? []
    const named = [noted.get(branch.id), rest, ...mappedTo(branch.name)]
    const gitBranches = [...new Set(named.filter((name) => name !== undefined))]
    if (gitBranches.length === 0 && number === undefined) return []
    const children = branches.filter((one) => one.parent_id === branch.id).map(({ name }) => name)
    const pullRequest = number === undefined ? undefined : Number(number)
    return [{ branch, gitBranches, pullRequest, children }]
  })
}

/** Those whose git branch is none of these, or whose pull requests are closed, where those are asked. */
export async function findLeftovers(
  previews: readonly Preview[],
  { gitBranches, pulls }: { gitBranches: ReadonlySet<string>; pulls: PullRequests | undefined },
): Promise<Leftover[]> {
  const found: Leftover[] = []
  for (const preview of previews) {
    const reason = (await closedOf(preview, pulls)) ?? goneOf(preview, gitBranches)
    if (reason !== undefined) found.push({ ...preview, reason, kept: keptBecause(preview) })
  }
  return found
}

async function closedOf(
  { gitBranches, pullRequest }: Preview,
  pulls: PullRequests | undefined,
): Promise<string | undefined> {
  if (pulls === undefined) return undefined
  if (pullRequest !== undefined) {
    return (await pulls.isClosed(pullRequest)) ? `pull request ${pullRequest} is closed` : undefined
  }
  for (const gitBranch of gitBranches) {
    if ((await pulls.areClosed(gitBranch)) !== true) return undefined
  }
  return `the pull requests of ${gitBranches.join(', ')} are closed`
}

function goneOf({ gitBranches: own }: Preview, all: ReadonlySet<string>): string | undefined {
  if (own.length === 0 || own.some((name) => all.has(name))) return undefined
  return `git has no branch ${own.join(', ')}`
}

function keptBecause({ branch, children }: Preview): string | undefined {
  if (branch.default) return 'it is the default branch'
  if (branch.protected) return 'it is protected'
  if (children.length > 0) return `it is the parent of ${children.join(', ')}`
  return undefined
}
