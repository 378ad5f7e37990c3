/** Which addresses may connect to an endpoint, once they have proved a password. */
import { BlockList } from 'node:net'

import { addressFamily, parseIpRange, plainAddress } from '../lib/ip-ranges.ts'
import type { EndpointAccess } from './control-plane.ts'
import { ClientError, sqlstates } from './errors.ts'

/** Lists are few, long and asked for with every login; each is parsed once for as long as it is in use. */
const parsed = new WeakMap<readonly string[], BlockList>()

/** Whether a client may come from this address. An empty list admits everybody. */
export function isAllowed(address: string, allowedIps: readonly string[]): boolean {
  if (allowedIps.length === 0) return true
  const plain = plainAddress(address)
  const family = addressFamily(plain)
  return family !== undefined && listOf(allowedIps).check(plain, family)
}

const loopback = ['127.0.0.0/8', '::1']

/**
 * Throws ClientError, in Neon's words, where the address is not on the list, or is of another machine
 * and those are kept out: the list does not count then.
 */
export function requireAllowed(
  address: string,
  access: Pick<EndpointAccess, 'allowedIps' | 'blockPublicConnections'>,
): void {
  if (access.blockPublicConnections) {
    if (isAllowed(address, loopback)) return
    throw new ClientError(
      sqlstates.invalidAuthorization,
      'This connection is trying to access this endpoint from a blocked network.',
    )
  }
  if (isAllowed(address, access.allowedIps)) return
  throw new ClientError(
    sqlstates.invalidAuthorization,
    `This IP address ${address} is not allowed to connect to this endpoint. ` +
      'Please add it to the allowed list in the Neon console. Make sure to check for IPv4 or IPv6 addresses. ' +
      `On Coppice: neon ip-allow add ${address}`,
  )
}

function listOf(allowedIps: readonly string[]): BlockList {
  const known = parsed.get(allowedIps)
  if (known !== undefined) return known
  const list = new BlockList()
  // Checked where they were set; what cannot be read admits nobody.
  for (const entry of allowedIps) parseIpRange(entry)?.(list)
  parsed.set(allowedIps, list)
  return list
}
