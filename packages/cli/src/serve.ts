import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, unlinkSync } from 'node:fs'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

import { type Cli, homeOf } from './cli.ts'
import { CliError } from './errors.ts'
import { tailFile } from './log-file.ts'
import { programArguments, throwIfError } from './platform-program.ts'
import { parseObject } from './platform.ts'

/** What the server's program says once it serves. */
export interface ReadyEvent {
  api_url: string
  api_key_file: string
  console_url: string
  /** Absent where the first project has been deleted. */
  connection_uri?: string
  project_id: string
  domain: string
  direct_port: number
  pooled_port: number
  sql_port: number
  /** Absent where the certificate is the operator's own. */
  ca_file?: string
  home: string
  postgres_version: string
  pool: { driver: string; path: string; warning?: string }
  already_running: boolean
  notes: string[]
}

interface ServeOptions {
  args: readonly string[]
  /** It outlives this process. */
  isDetached: boolean
  onStep: (message: string) => void
}

export interface Served {
  ready: ReadyEvent
  child: ChildProcess
}

/** From one step to the next: the longest, making a pool and a first cluster, takes seconds. */
const stepTimeoutMs = 5 * 60_000
const logLinesShown = 15
/** As shells report an end by SIGINT. */
const interruptedExitCode = 130

/**
 * Starts the platform and resolves once it serves. It is a process group of its own, so that Ctrl-C
 * reaches it only through us. Rejects with its error, or with the end of its log where it died.
 */
export async function serve(cli: Cli, options: ServeOptions): Promise<Served> {
  const stderr = await openUnlinkedFile()
  const child = spawn(
    process.execPath,
    programArguments(cli, [
      'serve',
      '--json',
      ...(options.isDetached ? ['--detached'] : []),
      ...options.args,
    ]),
    {
      // In the foreground its log goes to stderr, for whoever watches or collects it.
      stdio: ['ignore', 'pipe', options.isDetached ? stderr.fd : 'inherit'],
      env: cli.config.environment,
      // A daemon keeps no directory of the user busy; a loader of TypeScript is found from here only.
      cwd: process.execArgv.length > 0 ? cli.config.cwd : '/',
      detached: true,
    },
  )
  const interruption = onInterrupt()
  try {
    const ready = await Promise.race([waitForReady(child, options.onStep), interruption.happened])
    if (ready) return { ready, child }
    throw await explainDeath(cli, child, stderr.read())
  } catch (error) {
    child.kill('SIGTERM')
    throw error
  } finally {
    interruption.forget()
    stderr.close()
  }
}

interface Interruption {
  happened: Promise<never>
  forget(): void
}

/** Who stops waiting wants no platform: it is a process group of its own and would go on. */
function onInterrupt(): Interruption {
  let reject: (error: Error) => void
  const happened = new Promise<never>((_, fail) => {
    reject = fail
  })
  // Only `race` looks at it.
  happened.catch(() => undefined)
  const interrupt = () => reject(new CliError('Interrupted.', { exitCode: interruptedExitCode }))
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, interrupt)
  return {
    happened,
    forget() {
      for (const signal of signals) process.off(signal, interrupt)
    },
  }
}

/** Lets go of a detached platform, so that this process can end. */
export function release(child: ChildProcess): void {
  child.stdout?.destroy()
  child.unref()
}

async function waitForReady(
  child: ChildProcess,
  onStep: (message: string) => void,
): Promise<ReadyEvent | undefined> {
  if (!child.stdout) throw new Error('the platform has no stdout to read')
  const lines = createInterface({ input: child.stdout })
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('the platform could not be started', { cause: error })
  })
  // Only `race` looks at it.
  failed.catch(() => undefined)
  const events = lines[Symbol.asyncIterator]()
  for (;;) {
    const timeout = new AbortController()
    const next = await Promise.race([events.next(), failed, expire(timeout.signal)])
    timeout.abort()
    if (next.done) return undefined
    const event = parseObject(next.value)
    if (!event) continue
    throwIfError(event)
    if (event['event'] === 'step') onStep(String(event['message']))
    // The contract between the two programs, which are one version.
    if (event['event'] === 'ready') return event as unknown as ReadyEvent
  }
}

async function expire(signal: AbortSignal): Promise<never> {
  await delay(stepTimeoutMs, undefined, { signal }).catch(() => new Promise<never>(() => undefined))
  throw new CliError(`The platform has not come up: no news for ${stepTimeoutMs / 60_000} minutes.`)
}

async function explainDeath(cli: Cli, child: ChildProcess, stderr: string): Promise<CliError> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const logFile = join(homeOf(cli), 'logs', 'daemon.log')
  const log = stderr.trim() || (await tailFile(logFile, logLinesShown)).join('\n')
  const end = child.signalCode ?? `exit code ${child.exitCode}`
  return new CliError(`The platform ended before it was ready (${end}).`, {
    advice: [log, `Its log: ${logFile}. \`coppice doctor\` tells what this machine lacks.`]
      .filter((part) => part !== '')
      .join('\n'),
    exitCode: 2,
  })
}

interface UnlinkedFile {
  fd: number
  read(): string
  close(): void
}

/** A file without a name: the child may write to it for ever, and nothing stays behind. */
async function openUnlinkedFile(): Promise<UnlinkedFile> {
  const directory = await mkdtemp(join(tmpdir(), 'coppice-up-'))
  const path = join(directory, 'stderr')
  const fd = openSync(path, 'a')
  const readFd = openSync(path, 'r')
  unlinkSync(path)
  await rmdir(directory)
  return {
    fd,
    read: () => readFileSync(readFd, 'utf8'),
    close() {
      closeSync(fd)
      closeSync(readFd)
    },
  }
}
