import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { findInstallations } from './throwaway-postgres.ts'

/** The stock client of logical replication, at work. */
export interface Receiver {
  child: ChildProcess
  /** What it has written so far, to either stream. */
  output: { text: string }
  /** Its exit code and all that it wrote. */
  ended: Promise<string>
}

/** Where the client is; undefined where it is not installed. */
export async function findPgRecvlogical(): Promise<string | undefined> {
  const installations = await findInstallations()
  return installations
    .map(({ binDirectory }) => join(binDirectory, 'pg_recvlogical'))
    .find((path) => existsSync(path))
}

/** Runs it on the slot `stream`; the password goes by environment. */
export function startPgRecvlogical(
  program: string,
  target: { conninfo: string; password: string },
  args: readonly string[],
): Receiver {
  const child = spawn(program, ['-d', target.conninfo, '-S', 'stream', ...args], {
    env: { ...process.env, PGPASSWORD: target.password },
    cwd: '/',
  })
  const output = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => (output.text += String(chunk)))
  }
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(`${code} ${output.text}`))
  })
  return { child, output, ended }
}
