import { spawn } from 'node:child_process'

export interface PsqlResult {
  code: number | null
  stdout: string
  stderr: string
}

const timeoutMs = 30_000

/**
 * Runs the stock client to its end with a connection string and SQL; the password goes by
 * environment. `interrupt` is when to press Ctrl-C, by which psql cancels its query.
 */
export async function psql(
  conninfo: string,
  sql: string,
  environment: Record<string, string> = {},
  interrupt?: Promise<void>,
): Promise<PsqlResult> {
  const child = spawn('psql', ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', conninfo], {
    env: { ...process.env, PGCONNECT_TIMEOUT: '20', PGSSLROOTCERT: '', ...environment },
    cwd: '/',
    timeout: timeoutMs,
  })
  const result = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (result.stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (result.stderr += String(chunk)))
  child.stdin.on('error', () => undefined)
  child.stdin.end(sql)
  interrupt?.then(
    () => child.kill('SIGINT'),
    () => child.kill(),
  )
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...result }))
  })
}

/** Whether the client is installed. */
export async function hasPsql(): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('psql', ['--version'], { stdio: 'ignore' })
    child.once('error', () => resolve(false))
    child.once('close', (code) => resolve(code === 0))
  })
}
