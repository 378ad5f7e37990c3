import type { PlatformCheck, PlatformStatus } from '@coppice/api'
import type { Command } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { type Context, readContext } from '../context-file.ts'
import { CliError } from '../errors.ts'
import { runProgram } from '../platform-program.ts'
import { renderChecks } from '../views/checks.ts'
import { renderStatus } from '../views/status.ts'

/** `down`, `status` and `doctor`. */
export function addPlatform(program: Command, cli: Cli): void {
  addDown(program, cli)
  addStatus(program, cli)
  addDoctor(program, cli)
}

function addDown(program: Command, cli: Cli): void {
  program
    .command('down')
    .description('Stop the platform and its computes. All data stays.')
    .option('--keep-computes', 'Leave the computes running; the next `up` takes them over.')
    .action(async (flags: { keepComputes?: boolean }) => {
      const keep = flags.keepComputes ? ['--keep-computes'] : []
      const answer = await runProgram(cli, ['down', ...keep])
      await cli.output.answer(answer, () =>
        answer['stopped'] === true ? 'Coppice has stopped.' : 'Coppice was not running.',
      )
    })
}

interface StatusFlags {
  currentBranch?: boolean
}

function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('Show the platform, its computes, and what this directory is linked with.')
    .option('--current-branch', 'Only the name of the pinned branch, without asking the platform.')
    .action(async (flags: StatusFlags) => {
      const context = readContext(cli)
      if (flags.currentBranch) return printBranch(cli, context)
      const client = await connect(cli)
      const status: PlatformStatus = await client.getPlatformStatus({})
      const isLinked = context.projectId !== undefined
      const answer = isLinked ? { ...status, linked: context } : status
      await cli.output.answer(answer, () => renderStatus(status, context))
    })
}

function printBranch(cli: Cli, { branch }: Context): void {
  if (branch !== undefined) return cli.output.line(branch)
  throw new CliError('No branch is pinned here.', {
    advice: 'Pin one with `coppice checkout <branch>`.',
  })
}

function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('Look at what this machine offers and what it lacks.')
    .action(async () => {
      const answer = await runProgram(cli, ['doctor'])
      const checks = readChecks(answer['checks'])
      await cli.output.answer(answer, () => renderChecks(checks, cli.output))
      if (checks.some((check) => check.status === 'fail')) cli.result.exitCode = 1
    })
}

function readChecks(checks: unknown): PlatformCheck[] {
  if (!Array.isArray(checks)) throw new Error('the platform answered no checks')
  // The contract between the two programs, which are one version.
  return checks as PlatformCheck[]
}
