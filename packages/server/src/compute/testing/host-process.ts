import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface HostProcess {
  pid: number
  ended: Promise<void>
}

/** Runs the host of this name in a process of its own; resolves when all of its computes are awake. */
export async function startHostProcess(directory: string, name: string): Promise<HostProcess> {
  const program = fileURLToPath(new URL('./run-host.ts', import.meta.url))
  const paths = [name, `${name}-run`, 'postgres'].map((path) => join(directory, path))
  const args = ['--import', 'tsx', '-C', 'source', program, ...paths]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === '"all awake"') resolve()
    })
    void ended.then(() => reject(new Error('the host ended too early')))
  })
  return { pid: child.pid ?? 0, ended }
}
