import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A line to the janitor. */
export interface Notice {
  apiUrl: string
  apiKey: string
  projectId: string
  branchId: string
  isDeleted: boolean
}

/** It is compiled also where the rest runs from its sources. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../dist/janitor.js' : './janitor.js', import.meta.url),
)

let janitor: ChildProcess | undefined
const living = new Set<string>()

/**
 * Tells the janitor, a process that outlives this one by seconds, of a branch. A signal handler would not
 * see a SIGKILL or a crash, is not called in worker threads, and would stand in the runner's way.
 */
export function tellJanitor(notice: Notice): void {
  if (notice.isDeleted) living.delete(notice.branchId)
  else living.add(notice.branchId)
  if (janitor === undefined || janitor.exitCode !== null || janitor.signalCode !== null) {
    janitor = start()
  }
  janitor.stdin?.write(`${JSON.stringify(notice)}\n`)
}

/** Lets it go where nothing is left to watch: a runner's process may live for many files. */
export function dismissJanitor(): void {
  if (living.size > 0) return
  janitor?.stdin?.end()
  janitor = undefined
}

function start(): ChildProcess {
  // In a process group of its own, so that Ctrl-C at the terminal does not end it, too.
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // Without it the expiry of the branch remains.
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  // The test process may end while it waits.
  child.unref()
  const { stdin } = child
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return child
}
