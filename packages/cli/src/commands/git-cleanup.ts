import type { Branch } from '@coppice/api'
import type { Command } from 'commander'

import { connect } from '../api.ts'
import { confirmed } from '../choose.ts'
import type { Cli } from '../cli.ts'
import { writeContextFile } from '../context-file.ts'
import { eachBranch, type Scope } from '../context.ts'
import { CliError } from '../errors.ts'
import { localBranches } from '../git-repository.ts'
import { openLinkedRepository } from '../linked-repository.ts'

interface CleanupFlags {
  pruneNeonBranches?: boolean
  yes?: boolean
}

/** What is left of git branches that are gone. */
interface Leftovers {
  /** Pairs of names that are remembered for nothing. */
  stale: Array<[gitBranch: string, branch: string]>
  kept: Record<string, string>
  /** Names of branches that belong to no git branch any more. */
  orphans: Set<string>
}

/** `git cleanup`: forgets, and on request deletes, what belonged to git branches that are gone. */
export function addGitCleanup(git: Command, cli: Cli): void {
  git
    .command('cleanup')
    .description('Forget which branches belonged to git branches that are gone.')
    .option('--prune-neon-branches', 'Delete those branches, but no default or protected one.')
    .option('-y, --yes', 'Do not ask.')
    .action(async (flags: CleanupFlags) => cleanUp(cli, flags))
}

async function cleanUp(cli: Cli, flags: CleanupFlags): Promise<void> {
  const { file, context } = await openLinkedRepository(cli)
  const leftovers = leftoversOf(context.git?.map ?? {}, await localBranches(cli))
  const { stale, kept, orphans } = leftovers
  if (stale.length === 0) {
    cli.output.note('Nothing is left of git branches that are gone.')
    return
  }
  if (flags.pruneNeonBranches) {
    const { projectId } = context
    const scope = { client: await connect(cli), projectId, pinnedBranch: undefined }
    await prune(cli, scope, orphans, flags.yes ?? false)
  }
  writeContextFile(file, { ...context, git: { ...context.git, map: kept } })
  const lines = stale.map(([from, to]) => `Forgot that ${to} belonged to git's ${from}.`)
  cli.output.note(lines.join('\n'))
  if (flags.pruneNeonBranches || orphans.size === 0) return
  const names = [...orphans].map((name) => `  coppice branches delete ${name}`)
  cli.output.note(`To delete what is left of them:\n${names.join('\n')}`)
}

function leftoversOf(map: Record<string, string>, local: readonly string[]): Leftovers {
  const isThere = ([gitBranch]: [string, string]) => local.includes(gitBranch)
  const kept = Object.fromEntries(Object.entries(map).filter(isThere))
  const stale = Object.entries(map).filter((pair) => !isThere(pair))
  const used = Object.values(kept)
  const orphans = new Set(stale.map(([, branch]) => branch).filter((name) => !used.includes(name)))
  return { stale, kept, orphans }
}

async function prune(
  cli: Cli,
  scope: Scope,
  names: ReadonlySet<string>,
  yes: boolean,
): Promise<void> {
  const found: Branch[] = []
  for await (const branch of eachBranch(scope)) if (names.has(branch.name)) found.push(branch)
  const deletable = found.filter((branch) => !branch.default && !branch.protected)
  for (const { name } of found.filter((branch) => !deletable.includes(branch))) {
    cli.output.note(`Branch ${name} is the default or protected, and stays.`)
  }
  if (deletable.length === 0) return
  const list = deletable.map((branch) => branch.name).join(', ')
  if (!yes && !(await confirmed(cli, `Delete ${list}?`))) {
    throw new CliError('Nothing was deleted, and nothing forgotten.', {
      advice: `To delete ${list} without a question, add --yes.`,
    })
  }
  for (const branch of deletable) {
    const path = { project_id: scope.projectId, branch_id: branch.id }
    await scope.client.deleteProjectBranch({ path, query: {} })
    cli.output.note(`Deleted branch ${branch.name} (${branch.id}).`)
  }
}
