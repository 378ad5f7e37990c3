import { createServer } from 'node:net'

import { AppError, errorCode } from '../lib/errors.ts'
import type { ServeOptions } from './serve-options.ts'

/** How many ports after the wanted one are tried. */
const attempts = 50

export interface Ports {
  direct: number
  pooled: number
  /** SQL over HTTP and WebSockets. */
  sql: number
  api: number
}

export async function choosePorts(options: ServeOptions): Promise<Ports> {
  const host = options.listen[0] ?? options.apiHost
  const { fixed } = options
  const direct = await choosePort(options.directPort, host, fixed.direct, new Set())
  const pooled = await choosePort(options.pooledPort, host, fixed.pooled, new Set([direct]))
  const sql = await choosePort(options.sqlPort, host, fixed.sql, new Set([direct, pooled]))
  const taken = new Set([direct, pooled, sql])
  return {
    direct,
    pooled,
    sql,
    api: await choosePort(options.apiPort, options.apiHost, fixed.api, taken),
  }
}

/**
 * The first port from `wanted` on that can be listened on. A port that was asked for by name, or that
 * connection strings already carry, is not replaced: `isFixed`.
 */
async function choosePort(
  wanted: number,
  host: string,
  isFixed: boolean,
  taken: ReadonlySet<number>,
): Promise<number> {
  for (let port = wanted; port < wanted + attempts; port++) {
    if (taken.has(port)) continue
    const obstacle = await whyNotListen(port, host)
    if (obstacle === undefined) return port
    if (isFixed) throw new AppError('invalid_request', obstacle)
  }
  throw new AppError('invalid_request', `no free port from ${wanted} on; choose one`)
}

/** Undefined where it can be listened on. */
async function whyNotListen(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => {
      const obstacle = obstacles[errorCode(error) ?? '']?.(port)
      if (obstacle === undefined) reject(error)
      else resolve(obstacle)
    })
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** By the system's errors: what is in the way, and what to do. */
const obstacles: Readonly<Record<string, (port: number) => string>> = {
  EADDRINUSE: (port) =>
    `port ${port} is in use by another program; end that, or choose another port`,
  EACCES: (port) =>
    `only root may listen on port ${port}: run the platform as root, choose another port, or lower ` +
    'net.ipv4.ip_unprivileged_port_start with sysctl',
}
