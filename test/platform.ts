import { execFile, type ExecFileOptions, spawn } from 'node:child_process'
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Client, createClient } from '@coppice/api'

import { neonOperations, problemsOfBody } from '../packages/server/src/testing/neon-document.ts'

/**
 * A whole platform of a test's own, started and stopped through the built CLI as a user would: own
 * state directory, own free ports, own pool.
 */
export interface TestPlatform {
  home: string
  /** The environment that makes `neon`, `coppice` and `psql` talk to this platform. */
  env: NodeJS.ProcessEnv
  /** Rejects also where an answer is not as Neon documents it. */
  client: Client
  apiUrl: string
  apiKey: string
  projectId: string
  connectionUri: string
  directPort: number
  pooledPort: number
  sqlPort: number
  caFile: string
  poolDriver: string
  neon(...args: string[]): Promise<string>
  shell(script: string, options?: ExecFileOptions): Promise<string>
  /** Runs `up` again, with more environment; resolves when ready. */
  up(env?: NodeJS.ProcessEnv): Promise<void>
  down(): Promise<void>
  /** `kill -9` of the daemon. */
  kill(): Promise<void>
  /** Waits until a daemon that a failpoint kills is gone; fails if it lives on. */
  waitForDeath(pid: number): Promise<void>
  /** Process ids of the postmasters that run on this platform's pool. */
  postmasters(): Promise<number[]>
  /** Stops everything and removes the state directory. */
  remove(): Promise<void>
}

export const repository = new URL('..', import.meta.url).pathname
const bin = join(repository, 'node_modules', '.bin')

/** stdout of a command; rejects with stderr when it fails. */
export async function run(
  file: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { timeout: 120_000, maxBuffer: 64 * 1024 * 1024, ...options },
      (error, stdout, stderr) => {
        if (error === null) resolve(String(stdout))
        else
          reject(
            new Error(
              `${file} ${args.join(' ')}: ${String(stderr).trim()} ${String(stdout).slice(-500)}`,
              { cause: error },
            ),
          )
      },
    ).stdin?.end()
  })
}

/** Below those that the kernel gives to connections, of which one may come between this and its use. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.trunc(Math.random() * 22_000)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export interface StartOptions {
  /** An empty directory that becomes the state directory; one is made unless given. */
  home?: string
  poolSize?: string
  env?: NodeJS.ProcessEnv
  /** More flags of `up`, over those that every test has. */
  flags?: readonly string[]
  /** Runs everything as this user, who must not be able to become root again. */
  user?: { uid: number; gid: number }
  /** What is done with the empty state directory before the platform is started in it. */
  prepare?: (platform: Pick<TestPlatform, 'home' | 'env' | 'shell'>) => Promise<void>
}

export async function startTestPlatform(options: StartOptions = {}): Promise<TestPlatform> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'coppice-e2e-')))
  const { user } = options
  if (user) await chown(home, user.uid, user.gid)
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()]
  const flags = [
    '--port',
    String(ports[0]),
    '--pooled-port',
    String(ports[1]),
    '--api-port',
    String(ports[2]),
    '--sql-port',
    String(ports[3]),
    ...(user ? [] : ['--pool-size', options.poolSize ?? '4G']),
    ...(options.flags ?? []),
  ]
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    COPPICE_HOME: home,
    PATH: `${bin}:${process.env['PATH']}`,
    NO_COLOR: '1',
    ...options.env,
  }
  for (const name of ['DATABASE_URL', 'NEON_API_KEY', 'NEON_API_HOST', 'COPPICE_FAILPOINT_FILE']) {
    if (options.env?.[name] === undefined) delete env[name]
  }
  const platform = { home, env } as TestPlatform
  const readRunFile = async (): Promise<void> => {
    const found = JSON.parse(await readFile(join(home, 'run.json'), 'utf8')) as Record<
      string,
      string
    > & { pool: { driver: string } }
    const apiKey = (await readFile(String(found['api_key_file']), 'utf8')).trim()
    const apiUrl = String(found['api_url'])
    Object.assign(platform, {
      apiKey,
      apiUrl,
      client: checkedClient(createClient({ baseUrl: apiUrl, apiKey })),
      projectId: found['project_id'],
      directPort: Number(found['direct_port']),
      pooledPort: Number(found['pooled_port']),
      sqlPort: Number(found['sql_port']),
      caFile: found['ca_file'],
      poolDriver: found.pool.driver,
    })
  }
  const asUser = { env, ...user }
  platform.neon = async (...args) => run(join(bin, 'neon'), args, asUser)
  platform.shell = async (script, shellOptions) =>
    run('bash', ['-euo', 'pipefail', '-c', script], { ...asUser, ...shellOptions })
  platform.up = async (extra = {}) => {
    await run(join(bin, 'coppice'), ['up', ...flags], { ...asUser, env: { ...env, ...extra } })
    await readRunFile()
  }
  platform.down = async () => {
    await run(join(bin, 'coppice'), ['down'], asUser)
  }
  platform.kill = async () => {
    const { pid } = JSON.parse(await readFile(join(home, 'run.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await until(async () => !isAlive(pid), 'the daemon is dead')
  }
  platform.waitForDeath = async (pid) =>
    until(async () => !isAlive(pid), 'the failpoint has killed the daemon', 15_000)
  platform.postmasters = async () => postmastersBelow(join(home, 'pool'))
  platform.remove = async () => {
    await platform.down().catch(() => undefined)
    // A test that failed may have left a platform that cannot be told to stop any more.
    for (const pid of await postmastersBelow(home)) process.kill(pid, 'SIGQUIT')
    await until(async () => (await postmastersBelow(home)).length === 0, 'PostgreSQL has ended')
    await run('umount', [join(home, 'pool')]).catch(() => undefined)
    await rm(home, { recursive: true, force: true })
  }
  try {
    await options.prepare?.(platform)
    await platform.up()
    platform.connectionUri = (await platform.neon('connection-string')).trim()
  } catch (error) {
    await platform.remove()
    throw error
  }
  return platform
}

function checkedClient(client: Client): Client {
  const calls = Object.entries(client).map(([name, call]) => [
    name,
    async (input: never) => {
      const answer: unknown = await call(input)
      const operation = neonOperations.find(({ operationId }) => operationId === name)
      const [status] = operation?.statuses ?? []
      if (operation === undefined || status === undefined || answer === undefined) return answer
      const problems = problemsOfBody(operation, status, answer)
      if (problems.length > 0) throw new Error(`${name} answered ${problems.join('; ')}`)
      return answer
    },
  ])
  return Object.fromEntries(calls) as Client
}

async function postmastersBelow(directory: string): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(`=${directory}/`)) found.push(Number(name))
  }
  return found
}

/** Runs SQL by the stock psql and answers its unaligned output. */
export async function psql(uri: string, sql: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', uri], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(stdout.trim())
      else reject(new Error(`psql: ${stderr.trim()}`))
    })
    child.stdin.end(sql)
  })
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const pollMs = 50

/** Polls until the condition holds; fails with `what` after the deadline. */
export async function until(
  condition: () => Promise<boolean>,
  what: string,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, pollMs)
    })
  }
}
