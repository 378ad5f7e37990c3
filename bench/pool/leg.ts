import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { type PgBouncer, startPgBouncer } from './pgbouncer.ts'
import type { Served } from './serve.ts'

/** One of those that are compared. */
export interface Peer {
  name: 'direct' | 'coppice' | 'pgbouncer'
  /** A libpq connection string, without the password. */
  conninfo: string
  /** With the password. */
  env: NodeJS.ProcessEnv
  host: string
  port: number
  /** Of the pooler; undefined where there is none in between. */
  processId: number | undefined
  /** What one login takes at most, with the other end's part on the same cores. */
  loginMs: number
  /** In PgBouncer 1.18, prepared statements do not survive transaction pooling. */
  canPrepare: boolean
}

/** One PostgreSQL with everything that is compared before it: all with TLS, or all without. */
export interface Leg {
  isTls: boolean
  served: Served
  pgbouncerVersion: string
  direct: Peer
  coppice: Peer
  pgbouncer: Peer
  stop(): Promise<void>
}

const serveScript = new URL('serve.ts', import.meta.url).pathname
/** More file descriptors than 10,000 clients take, where we may. */
const wantedFiles = 32_768

export async function startLeg(isTls: boolean): Promise<Leg> {
  const child = startServing(isTls)
  const served = await readServed(child)
  let pgbouncer: PgBouncer
  try {
    pgbouncer = await startPgBouncer(served)
  } catch (error) {
    await stopServing(child)
    throw error
  }
  const at = peerOf(served)
  return {
    isTls,
    served,
    pgbouncerVersion: pgbouncer.version,
    direct: at('direct', served.postgresHost, 5432, undefined, true),
    coppice: at('coppice', '127.0.0.1', served.port, served.processId, true),
    pgbouncer: at('pgbouncer', '127.0.0.1', pgbouncer.port, pgbouncer.processId, false),
    stop: async () => {
      await pgbouncer.stop()
      await stopServing(child)
    },
  }
}

function startServing(isTls: boolean): ChildProcess {
  const raise = `ulimit -n ${wantedFiles} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"`
  const node = [process.execPath, ...process.execArgv, serveScript]
  return spawn('sh', ['-c', raise, 'sh', ...node, isTls ? 'tls' : 'plain'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

async function readServed(child: ChildProcess): Promise<Served> {
  if (child.stdout === null) throw new Error('the served process has no stdout')
  for await (const line of createInterface(child.stdout)) return JSON.parse(line) as Served
  throw new Error('the served process has ended')
}

async function stopServing(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.stdin?.end()
  await ended
}

function peerOf(served: Served) {
  const env = { ...process.env, PGPASSWORD: served.password }
  const sslmode = served.certificates ? 'require' : 'disable'
  const loginMs = served.certificates ? 25 : 3
  return (
    name: Peer['name'],
    host: string,
    port: number,
    processId: number | undefined,
    canPrepare: boolean,
  ): Peer => {
    const settings = {
      host: name === 'coppice' ? served.host : host,
      hostaddr: host,
      port: String(port),
      user: served.role,
      dbname: served.database,
      sslmode,
    }
    const conninfo = Object.entries(settings)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ')
    return { name, conninfo, env, host, port, processId, loginMs, canPrepare }
  }
}
