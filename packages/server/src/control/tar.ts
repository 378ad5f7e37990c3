import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/**
 * Directories as compressed files. The bytes pass through this process, so that tar ends when it does: one
 * that went on alone would take the pool for hours, and write where the next process does.
 */

/** Megabytes a second, on one processor: hours for the largest. */
const timeoutMs = 12 * 3_600_000

type Tar = ChildProcessByStdio<Writable, Readable, Readable>

/** What is in `directory` under a name, as a file that survives a power cut. */
export async function packDirectory(directory: string, name: string, file: string): Promise<void> {
  await run(['-C', directory, '-czf', '-', name], async (tar) => {
    tar.stdin.end()
    await pipeline(tar.stdout, createWriteStream(file, { mode: 0o600, flush: true }))
  })
}

/** Into a directory that is there. Nothing is flushed. */
export async function unpackFile(file: string, directory: string): Promise<void> {
  await run(['-C', directory, '-xzpf', '-'], async (tar) => {
    tar.stdout.resume()
    await pipeline(createReadStream(file), tar.stdin)
  })
}

async function run(args: string[], move: (tar: Tar) => Promise<void>): Promise<void> {
  const tar = spawn('tar', args, { cwd: '/', timeout: timeoutMs, stdio: ['pipe', 'pipe', 'pipe'] })
  // A pipe that broke says less than what tar does.
  const moved = move(tar).then(
    () => undefined,
    (error: unknown) => error,
  )
  const [said, [code, signal]] = await Promise.all([text(tar.stderr), once(tar, 'close')])
  const cause = await moved
  if (code === 0 && cause === undefined) return
  const detail = said.trim().slice(-2000) || `it ended with ${String(signal ?? code)}`
  throw new Error(`tar failed: ${detail}`, { cause })
}
