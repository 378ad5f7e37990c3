import { type Command, Option } from 'commander'

import { connect } from '../api.ts'
import { checkOut } from '../checkout.ts'
import type { Cli } from '../cli.ts'
import { contextFileOf, mappedBranch, readContextFile, writeContextFile } from '../context-file.ts'
import { CliError } from '../errors.ts'
import {
  hookOwner,
  installHook,
  isInPath,
  openRepository,
  pullFastForward,
  removeHook,
} from '../git-repository.ts'
import { addExamples } from '../help.ts'
import { openLinkedRepository } from '../linked-repository.ts'
import { renderDetails } from '../table.ts'
import { addGitCleanup } from './git-cleanup.ts'

/** `git`: the branch of the database follows the branch of the code. */
export function addGit(program: Command, cli: Cli): void {
  const git = program
    .command('git')
    .description('Let the pinned branch follow the branch that is checked out in git.')
  addInstall(git, cli)
  addUninstall(git, cli)
  addSync(git, cli)
  addStatus(git, cli)
  addGitCleanup(git, cli)
  addExamples(git, [
    ['git install', 'From now on, with each checkout'],
    ['git sync --create', 'Now, with a new branch where there is none'],
    ['git cleanup --prune-neon-branches', 'Delete branches whose git branch is gone'],
  ])
}

function addInstall(git: Command, cli: Cli): void {
  git
    .command('install')
    .description('Follow each checkout in git, by a post-checkout hook.')
    .option('--create', 'Also create branches that do not exist yet.')
    .action(async ({ create = false }: { create?: boolean }) => {
      const { repository, file, context } = await openLinkedRepository(cli)
      if (hookOwner(repository) === 'other') {
        throw new CliError(`There is a post-checkout hook already: ${repository.hookFile}`, {
          advice:
            'Move it away, or have it run `coppice git sync --quiet` where its third argument is 1.',
        })
      }
      await installHook(repository, create)
      writeContextFile(file, { ...context, git: { ...context.git, follow: true } })
      cli.output.note(`Each checkout in git is followed now, by ${repository.hookFile}.`)
      if (isInPath(cli, 'coppice')) return
      cli.output.note('The hook needs `coppice` in PATH, and it is not there now.')
    })
}

function addUninstall(git: Command, cli: Cli): void {
  git
    .command('uninstall')
    .description('Follow no longer.')
    .action(async () => {
      const repository = await openRepository(cli)
      const file = contextFileOf(repository.root)
      const context = readContextFile(file)
      const owner = hookOwner(repository)
      if (owner === 'ours') await removeHook(repository)
      if (context.git?.follow) {
        writeContextFile(file, { ...context, git: { ...context.git, follow: false } })
      }
      const kept = owner === 'other' ? ' The hook there is not ours and stays.' : ''
      cli.output.note(`Checkouts in git are not followed now.${kept}`)
    })
}

interface SyncFlags {
  create?: boolean
  envPull: boolean
  pull?: boolean
  quiet?: boolean
  hook?: boolean
}

function addSync(git: Command, cli: Cli): void {
  git
    .command('sync')
    .description('Pin the branch that belongs to what is checked out in git.')
    .option('--create', 'Create it where it does not exist.')
    .option('--pull', 'Run `git pull --ff-only` before.')
    .option('--no-env-pull', 'Leave the env file alone.')
    .option('--quiet', 'Say nothing where all is well.')
    .addOption(new Option('--hook', 'Run by the hook.').hideHelp())
    .action(async (flags: SyncFlags) => sync(cli, flags))
}

async function sync(cli: Cli, flags: SyncFlags): Promise<void> {
  if (flags.hook && !(await isFollowed(cli))) return
  const { repository, file, context } = await openLinkedRepository(cli)
  const { root, branch } = repository
  if (branch === undefined) {
    if (!flags.quiet) cli.output.note('HEAD is at no branch; the pinned branch stays.')
    return
  }
  if (flags.pull) await pullFastForward(cli)
  const scope = {
    client: await connect(cli),
    projectId: context.projectId,
    pinnedBranch: undefined,
  }
  const pinned = await checkOut(cli, scope, mappedBranch(context, branch) ?? branch, {
    create: flags.create ?? false,
    envPull: flags.envPull,
    ask: !flags.hook,
    directory: root,
  })
  const map = { ...context.git?.map, [branch]: pinned.branch.name }
  writeContextFile(file, { ...pinned.context, git: { ...context.git, map } })
  if (flags.quiet) return
  const answer = { git_branch: branch, ...pinned.context }
  await cli.output.answer(
    answer,
    () => `Branch ${pinned.branch.name} is pinned for git's ${branch}.`,
  )
}

/** A hook that came with a template, or works for another working copy, is no wish of this one. */
async function isFollowed(cli: Cli): Promise<boolean> {
  const { root } = await openRepository(cli)
  return readContextFile(contextFileOf(root)).git?.follow === true
}

function addStatus(git: Command, cli: Cli): void {
  git
    .command('status')
    .description('Show what is followed, and which branch belongs to which.')
    .action(async () => {
      const repository = await openRepository(cli)
      const context = readContextFile(contextFileOf(repository.root))
      const { branch } = repository
      const mappings = context.git?.map ?? {}
      // The keys are those of Neon's CLI.
      const answer = {
        gitBranch: branch ?? null,
        hookInstalled: hookOwner(repository) === 'ours',
        followOnCheckout: context.git?.follow === true,
        mappedNeonBranch:
          (branch === undefined ? undefined : mappedBranch(context, branch)) ?? null,
        mappings,
      }
      await cli.output.answer(answer, async () => {
        const pairs = Object.entries(mappings)
        const details = await renderDetails([
          ['Git branch', branch ?? 'none: HEAD is at no branch'],
          ['Hook', answer.hookInstalled ? repository.hookFile : 'not installed'],
          ['Followed', answer.followOnCheckout ? 'yes' : 'no'],
          ['Branch', answer.mappedNeonBranch ?? 'the one of the same name'],
        ])
        return pairs.length === 0 ? details : `${details}\n\n${await renderDetails(pairs)}`
      })
    })
}
