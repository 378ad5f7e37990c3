import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

import { type Cli, homeOf } from './cli.ts'
import { CliError, exitCodeOfAnswer } from './errors.ts'
import { parseObject } from './platform.ts'

/*
 * The server's own program does what needs the machine: it serves, makes pools, looks at the host.
 * The CLI runs it as a child process and shows what it prints, so that neither imports the other:
 * JSON on stdout, `{"error":{"code","message"}}` where something is wrong.
 */

/** Formatting and mounting a pool, or letting every compute write its checkpoint, takes a while. */
const commandTimeoutMs = 10 * 60_000
const outputMaxBytes = 16 * 1024 * 1024
const stderrKeptChars = 2000

/** The file of the server's program, as its package exports it. */
export function findServerProgram(): string {
  return createRequire(import.meta.url).resolve('@coppice/server/program')
}

/** The arguments of Node that run it: a loader of TypeScript, where we run from sources, included. */
export function programArguments(cli: Cli, args: readonly string[]): string[] {
  return [...process.execArgv, cli.serverProgram, ...args]
}

/** `--home` as the user gave it; from the environment the program reads it itself. */
export function homeArguments(cli: Cli): string[] {
  return cli.options.home === undefined ? [] : ['--home', homeOf(cli)]
}

/** Runs a short command of the program, which reads `input`, and answers the object that it prints. */
export async function runProgram(
  cli: Cli,
  args: readonly string[],
  input = '',
): Promise<Record<string, unknown>> {
  const child = spawn(
    process.execPath,
    programArguments(cli, [...args, '--json', ...homeArguments(cli)]),
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: cli.config.environment,
      cwd: cli.config.cwd,
      timeout: commandTimeoutMs,
    },
  )
  // One that fails early may not read it.
  child.stdin.on('error', () => undefined).end(input)
  const [stdout, stderr, code] = await collect(child)
  const answer = parseObject(stdout.trim().split('\n').at(-1) ?? '')
  if (!answer) throw new CliError(`\`${args.join(' ')}\` failed: ${lastLines(stderr, code)}`)
  throwIfError(answer)
  return answer
}

/** What the program tells while it works. */
export type ProgramEvent =
  | { event: 'step'; message: string }
  | { event: 'progress'; done: number; total?: number; bytes?: number; message?: string }

/** The same for one that takes as long as it takes, tells how far it is, and may read our stdin. */
export async function followProgram(
  cli: Cli,
  args: readonly string[],
  onEvent: (event: ProgramEvent) => void,
): Promise<Record<string, unknown>> {
  const child = spawn(
    process.execPath,
    programArguments(cli, [...args, '--json', ...homeArguments(cli)]),
    { stdio: ['inherit', 'pipe', 'pipe'], env: cli.config.environment, cwd: cli.config.cwd },
  )
  const ended = once(child, 'close')
  const stderr = readAll(child.stderr)
  let answer: Record<string, unknown> | undefined
  // Whoever ends us ends it: it would go on for hours otherwise.
  const stop = (): void => void child.kill('SIGTERM')
  process.on('SIGTERM', stop)
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const told = parseObject(line)
      // The contract between the two programs, which are one version.
      if (told?.['event'] === undefined) answer = told ?? answer
      else onEvent(told as ProgramEvent)
    }
  } finally {
    process.off('SIGTERM', stop)
  }
  const [code, signal] = await ended
  if (answer === undefined) {
    const end = String(code ?? signal)
    throw new CliError(`\`${args.join(' ')}\` failed: ${lastLines(await stderr, end)}`)
  }
  throwIfError(answer)
  return answer
}

/** Rejects with the error that the program printed, if this is one. */
export function throwIfError(answer: Record<string, unknown>): void {
  const { error } = answer
  if (typeof error !== 'object' || error === null) return
  const code = 'code' in error ? String(error.code) : 'internal'
  const message = 'message' in error ? String(error.message) : 'unknown error'
  throw new CliError(message, { exitCode: exitCodeOfAnswer(code, 500) })
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

async function collect(child: Child): Promise<[stdout: string, stderr: string, code: string]> {
  const ended = once(child, 'close')
  const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)])
  const [code, signal] = await ended
  return [stdout, stderr, String(code ?? signal)]
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of stream) {
    sizeBytes += chunk.length
    if (sizeBytes <= outputMaxBytes) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function lastLines(stderr: string, code: string): string {
  return stderr.trim().slice(-stderrKeptChars) || `it ended with ${code} and said nothing`
}
