import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

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

/** `git pull` may ask a server. */
const gitMaxMs = 120_000
const outputMaxBytes = 16 * 1024 * 1024

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
  return { root, branch, hookFile: ownHookFile(resolve(cli.config.cwd, hookFile)) }
}

/** Husky writes the directory that git looks into anew; what it runs from there is beside it. */
function ownHookFile(file: string): string {
  return file.replace(/([\\/]\.husky)[\\/]_([\\/]post-checkout)$/, '$1$2')
}

/** The names of the branches of this repository. */
export async function localBranches(cli: Cli): Promise<string[]> {
  const names = await git(cli, ['for-each-ref', '--format=%(refname:short)', 'refs/heads'])
  return names.split('\n').filter((name) => name !== '')
}

/** The names of the branches of a remote; rejects where it does not answer. */
export async function remoteBranches(cli: Cli, remote: string): Promise<string[]> {
  const lines = await git(cli, ['ls-remote', '--heads', remote])
  return lines.split('\n').flatMap((line) => /\trefs\/heads\/(.+)$/.exec(line)?.[1] ?? [])
}

export async function remotes(cli: Cli): Promise<string[]> {
  const names = await git(cli, ['remote'])
  return names.split('\n').filter((name) => name !== '')
}

export async function remoteUrl(cli: Cli, remote: string): Promise<string | undefined> {
  return tryGit(cli, ['remote', 'get-url', remote])
}

/** The branch that the repository is about: its remote's, else the one that `git init` makes. */
export async function isDefaultGitBranch(cli: Cli, branch: string): Promise<boolean> {
  const head = await tryGit(cli, ['symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD'])
  if (head !== undefined) return head === `origin/${branch}`
  const initial = await tryGit(cli, ['config', 'init.defaultBranch'])
  return ['main', 'master', initial].includes(branch)
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

/** Whether the hook would find the program that it runs. */
export function isInPath(cli: Cli, program: string): boolean {
  const directories = (cli.config.environment['PATH'] ?? '').split(delimiter)
  return directories.some((directory) => existsSync(join(directory, program)))
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
