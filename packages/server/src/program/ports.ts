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
    if (await canListen(port, host)) return port
    if (isFixed) {
      throw new AppError(
        'invalid_request',
        `port ${port} is in use by another program; end that, or choose another port`,
      )
    }
  }
  throw new AppError('invalid_request', `no free port from ${wanted} on; choose one`)
}

async function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => {
      if (['EADDRINUSE', 'EACCES'].includes(errorCode(error) ?? '')) resolve(false)
      else reject(error)
    })
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
