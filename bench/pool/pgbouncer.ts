import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePort, run } from '../../test/platform.ts'
import { pause } from '../client.ts'
import type { Served } from './serve.ts'

/** The system's PgBouncer before the same PostgreSQL, with the settings that Coppice's pools have. */
export interface PgBouncer {
  processId: number
  port: number
  version: string
  stop(): Promise<void>
}

interface OsUser {
  uid: number
  gid: number
}

const startTimeoutMs = 5_000

export async function startPgBouncer(served: Served): Promise<PgBouncer> {
  const version = (await run('pgbouncer', ['--version'])).split('\n')[0] ?? ''
  const directory = await mkdtemp(join(tmpdir(), 'pgbouncer-'))
  const user = await ordinaryUser()
  const port = await freePort()
  await writeConfiguration(directory, served, port)
  if (user) await run('chown', ['-R', `${user.uid}:${user.gid}`, directory])
  const child = spawn('pgbouncer', ['-q', join(directory, 'pgbouncer.ini')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: '/',
    ...user,
  })
  const ended = once(child, 'exit')
  await untilListening(port)
  return {
    processId: child.pid ?? 0,
    port,
    version,
    stop: async () => {
      child.kill('SIGQUIT')
      await ended
      await rm(directory, { recursive: true })
    },
  }
}

/** Over a Unix socket to PostgreSQL, as Coppice; checking clients as it does on that port. */
async function writeConfiguration(directory: string, served: Served, port: number): Promise<void> {
  const { certificates, role, database } = served
  const lines = [
    '[databases]',
    `${database} = host=${served.socketDirectory} port=5432`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    `auth_file = ${join(directory, 'users')}`,
    `auth_type = ${certificates ? 'scram-sha-256' : 'trust'}`,
    'pool_mode = transaction',
    'default_pool_size = 25',
    'max_db_connections = 100',
    'max_client_conn = 11000',
    'server_idle_timeout = 300',
    'log_connections = 0',
    'log_disconnections = 0',
  ]
  if (certificates) {
    const files = { cert: certificates.certPath, key: certificates.keyPath }
    for (const [name, path] of Object.entries(files)) {
      await copyFile(path, join(directory, name))
      lines.push(`client_tls_${name}_file = ${join(directory, name)}`)
    }
    lines.push('client_tls_sslmode = require')
  }
  // With a verifier it logs in by the client's own key, with a password by that.
  const secret = certificates ? served.verifier : served.password
  await writeFile(join(directory, 'users'), `"${role}" "${secret}"\n`, { mode: 0o600 })
  await writeFile(join(directory, 'pgbouncer.ini'), `${lines.join('\n')}\n`)
}

/** PgBouncer does not run as root. */
async function ordinaryUser(): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all([
    run('id', ['-u', 'postgres']),
    run('id', ['-g', 'postgres']),
  ])
  return { uid: Number(uid), gid: Number(gid) }
}

async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  while (!(await answers(port))) {
    if (performance.now() > deadline) throw new Error('pgbouncer does not listen')
    await pause(20)
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
