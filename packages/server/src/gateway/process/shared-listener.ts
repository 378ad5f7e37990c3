import net from 'node:net'
import { getSystemErrorMap } from 'node:util'

import { errorCode } from '../../lib/errors.ts'
import type { ListenerRole } from './protocol.ts'

/**
 * A bound socket that processes share. Each of them listens and accepts on it; the one that holds it
 * here never does. What has arrived waits in the kernel while processes come and go.
 */
export interface SharedListener {
  role: ListenerRole
  host: string
  port: number
  handle: unknown
}

/** Node's own handle of a socket, as far as it is needed here. */
interface Handle {
  /** Fills in the address; answers 0 or an error's number. */
  getsockname(address: { port?: number }): number
  close(): void
}

type CreateHandle = (
  host: string,
  port: number,
  family: 4 | 6,
  fd: undefined,
  flags: number,
) => Handle | number

/** UV_TCP_IPV6ONLY: both families by one socket would take the IPv4 port of one beside it. */
const ipv6Only = 1

/**
 * Binds without listening. Node has no public way to that; its cluster module binds by this function,
 * which is why it has stayed. Undefined where the address is the IPv6 loopback and this machine has no
 * IPv6. Port 0 is any free one.
 */
export function bindShared(
  role: ListenerRole,
  host: string,
  port: number,
): SharedListener | undefined {
  const create: unknown = Reflect.get(net, '_createServerHandle')
  if (typeof create !== 'function') {
    throw new Error(
      `Node ${process.version} cannot share a socket between processes; set COPPICE_GATEWAY_WORKERS=0`,
    )
  }
  const family = net.isIPv6(host) ? 6 : 4
  const handle = (create as CreateHandle)(
    host,
    port,
    family,
    undefined,
    family === 6 ? ipv6Only : 0,
  )
  try {
    if (typeof handle === 'number') throw systemError(handle)
    const address: { port?: number } = {}
    const status = handle.getsockname(address)
    if (status !== 0) {
      handle.close()
      throw systemError(status)
    }
    return { role, host, port: address.port ?? port, handle }
  } catch (error) {
    const isMissing = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errorCode(error) ?? '')
    if (host === '::1' && isMissing) return undefined
    throw new Error(`cannot listen on ${host} port ${port}`, { cause: error })
  }
}

export function closeShared({ handle }: SharedListener): void {
  ;(handle as Handle).close()
}

function systemError(status: number): Error {
  const [name, message] = getSystemErrorMap().get(status) ?? [String(status), 'unknown error']
  return Object.assign(new Error(`${name}: ${message}`), { code: name })
}
