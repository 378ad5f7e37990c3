import { ApiError } from '@coppice/api/client'
import { type Command, Option } from 'commander'

import { connect } from '../api.ts'
import { checkOut } from '../checkout.ts'
import type { Cli } from '../cli.ts'
import { contextFileOf, mappedBranch, readContextFile, writeContextFile } from '../context-file.ts'
import { defaultBranch, eachBranch, type Scope } from '../context.ts'
import { CliError } from '../errors.ts'
import { hookState, installHook, removeHook, takesLines } from '../git-hook.ts'
import { isDefaultGitBranch, isInPath, openRepository, pullFastForward } from '../git-repository.ts'
import { addExamples } from '../help.ts'
import { openLinkedRepository } from '../linked-repository.ts'
import { parseMoment } from '../parse.ts'
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
    ['git install --parent masked --ttl 3d', 'The same, of a masked branch, for three days'],
    ['branches prune', 'List branches whose git branch is gone'],
  ])
}

interface NewBranchFlags {
  create: boolean
  parent?: string
  ttl: string
}

/** What new branches are made of, and how long they stay. */
function addNewBranchFlags(command: Command): Command {
  return command
    .option('--parent <branch>', 'What new branches are made of; the default branch unless given.')
    .option(
      '--ttl <span>',
      'How long new branches stay, as 12h or 7d, as it is unless given; none for always.',
      parseTtl,
      defaultTtl,
    )
}

const defaultTtl = '7d'

function parseTtl(text: string): string {
  if (text !== 'none') parseMoment(text)
  return text
}

function addInstall(git: Command, cli: Cli): void {
  const command = git
    .command('install')
    .description('Follow each checkout in git, by lines in its post-checkout hook.')
    .option('--no-create', 'Do not create branches that do not exist yet.')
    .addOption(new Option('--create').hideHelp().default(true))
    .option('--no-env-pull', 'Leave the env file alone.')
  addNewBranchFlags(command).action(async (flags: NewBranchFlags & { envPull: boolean }) => {
    const { repository, file, context } = await openLinkedRepository(cli)
    const { hookFile } = repository
    if (hookState(hookFile) === 'other' && !takesLines(hookFile)) {
      throw new CliError(`There is a post-checkout hook that is no shell script: ${hookFile}`, {
        advice:
          'Have it run `coppice git sync --hook --quiet --create` where its third argument is 1.',
      })
    }
    await installHook(hookFile, [
      ...(flags.create ? ['--create', '--ttl', flags.ttl] : []),
      ...(flags.create && flags.parent !== undefined ? ['--parent', flags.parent] : []),
      ...(flags.envPull ? [] : ['--no-env-pull']),
    ])
    writeContextFile(file, { ...context, git: { ...context.git, follow: true } })
    cli.output.note(`Each checkout in git is followed now, by ${hookFile}.`)
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
      const state = hookState(repository.hookFile)
      if (state === 'ours') await removeHook(repository.hookFile)
      if (context.git?.follow) {
        writeContextFile(file, { ...context, git: { ...context.git, follow: false } })
      }
      const kept = state === 'other' ? ' The hook there is not ours and stays.' : ''
      cli.output.note(`Checkouts in git are not followed now.${kept}`)
    })
}

interface SyncFlags extends Omit<NewBranchFlags, 'create'> {
  create?: boolean
  envPull: boolean
  pull?: boolean
  quiet?: boolean
  hook?: boolean
}

function addSync(git: Command, cli: Cli): void {
  const command = git
    .command('sync')
    .description('Pin the branch that belongs to what is checked out in git.')
    .option('--create', 'Create it where it does not exist.')
    .option('--pull', 'Run `git pull --ff-only` before.')
    .option('--no-env-pull', 'Leave the env file alone.')
    .option('--quiet', 'Say nothing where all is well.')
    .addOption(new Option('--hook', 'Run by the hook.').hideHelp())
  addNewBranchFlags(command).action(async (flags: SyncFlags) => {
    if (!flags.hook) return sync(cli, flags)
    return withoutFailing(cli, async () => {
      if (await isFollowed(cli)) await sync(cli, flags)
    })
  })
}

/** The checkout is done whatever comes of this, so what went wrong is a message. */
async function withoutFailing(cli: Cli, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof CliError || error instanceof ApiError)) throw error
    cli.output.note(`coppice: the pinned branch stays as it is. ${error.message}`)
  }
}

async function sync(cli: Cli, flags: SyncFlags): Promise<void> {
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
  const name = mappedBranch(context, branch) ?? branch
  const pinned = await checkOut(cli, scope, await existingName(cli, scope, { name, branch }), {
    create: flags.create ?? false,
    newBranch: {
      parent: flags.parent,
      expiresAt: flags.ttl === 'none' ? undefined : parseMoment(flags.ttl),
      gitBranch: branch,
    },
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

/** Git's default branch is that of the project, however each is called: it is no preview. */
async function existingName(
  cli: Cli,
  scope: Scope,
  { name, branch }: { name: string; branch: string },
): Promise<string> {
  if (!(await isDefaultGitBranch(cli, branch))) return name
  for await (const one of eachBranch(scope)) if (one.name === name) return name
  return (await defaultBranch(scope)).name
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
        hookInstalled: hookState(repository.hookFile) === 'ours',
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
