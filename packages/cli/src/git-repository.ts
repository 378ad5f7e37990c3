import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'

import type { Cli } from './cli.ts'
import { CliError } from './errors.ts'
import { errnoOf } from './platform.ts'

/** A working copy of git. */
export interface Repository {
  root: string
  /** Undefined where HEAD is at no branch. */
  branch: string | undefined
  /** Where its `post-checkout` hook is, or would be. */
  hookFile: string
}

/** Whose a hook is: ours, somebody else's, or nobody's. */
export type HookOwner = 'ours' | 'other' | 'none'

/** `git pull` may ask a server. */
const gitMaxMs = 120_000
const outputMaxBytes = 16 * 1024 * 1024

const hookMark = '# coppice git sync'

/** The repository around the working directory; rejects where there is none. */
export async function openRepository(cli: Cli): Promise<Repository> {
  const root = await tryGit(cli, ['rev-parse', '--show-toplevel'])
  if (root === undefined) {
    throw new CliError(`${cli.config.cwd} is not in a git repository.`, {
      advice: 'Go to one, or make one here: git init',
    })
  }
  const branch = await tryGit(cli, ['symbolic-ref', '--quiet', '--short', 'HEAD'])
  const hookFile = await git(cli, ['rev-parse', '--git-path', 'hooks/post-checkout'])
  return { root, branch, hookFile: resolve(cli.config.cwd, hookFile) }
}

/** The names of the branches of this repository. */
export async function localBranches(cli: Cli): Promise<string[]> {
  const names = await git(cli, ['for-each-ref', '--format=%(refname:short)', 'refs/heads'])
  return names.split('\n').filter((name) => name !== '')
}

/** Brings the checked out branch up to its upstream where that needs no merge. */
export async function pullFastForward(cli: Cli): Promise<void> {
  await git(cli, ['pull', '--ff-only', '--quiet'])
}

/** Whether git would take a file into a commit; undefined outside of a repository. */
export async function isCommittable(cli: Cli, path: string): Promise<boolean | undefined> {
  const inside = await tryGit(cli, ['rev-parse', '--is-inside-work-tree'])
  if (inside !== 'true') return undefined
  return (await tryGit(cli, ['check-ignore', '--quiet', path])) === undefined
}

export function hookOwner({ hookFile }: Repository): HookOwner {
  if (!existsSync(hookFile)) return 'none'
  return readFileSync(hookFile, 'utf8').includes(hookMark) ? 'ours' : 'other'
}

/** Writes our hook, over an older one of ours; somebody else's has to be out of the way. */
export async function installHook({ hookFile }: Repository, create: boolean): Promise<void> {
  await mkdir(dirname(hookFile), { recursive: true })
  await writeFile(hookFile, hookScript(create))
  await chmod(hookFile, 0o755)
}

export async function removeHook({ hookFile }: Repository): Promise<void> {
  await rm(hookFile, { force: true })
}

/** Whether the hook would find the program that it runs. */
export function isInPath(cli: Cli, program: string): boolean {
  const directories = (cli.config.environment['PATH'] ?? '').split(delimiter)
  return directories.some((directory) => existsSync(join(directory, program)))
}

/** The third argument is 1 where a branch was checked out, 0 for files (githooks(5)). */
function hookScript(create: boolean): string {
  return `#!/bin/sh
${hookMark}: made by \`coppice git install\`, removed by \`coppice git uninstall\`
[ "$3" = 1 ] || exit 0
command -v coppice >/dev/null 2>&1 || exit 0
coppice git sync --hook --quiet${create ? ' --create' : ''} || true
`
}

async function tryGit(cli: Cli, args: readonly string[]): Promise<string | undefined> {
  try {
    return await git(cli, args)
  } catch (error) {
    if (error instanceof CliError && error.exitCode === missingExitCode) throw error
    return undefined
  }
}

/** Apart from what git itself says no to. */
const missingExitCode = 127

async function git({ config }: Cli, args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    execFile(
      'git',
      args,
      {
        cwd: config.cwd,
        env: config.environment,
        timeout: gitMaxMs,
        maxBuffer: outputMaxBytes,
      },
      (error, stdout, stderr) => {
        if (error === null) done(stdout.trimEnd())
        else fail(explain(error, args, stderr))
      },
    )
  })
}

function explain(error: Error, args: readonly string[], stderr: string): CliError {
  if (errnoOf(error) === 'ENOENT') {
    return new CliError('git is not installed here, or not in PATH.', {
      exitCode: missingExitCode,
      cause: error,
    })
  }
  return new CliError(`git ${args[0]}: ${stderr.trim() || error.message}`, { cause: error })
}
