import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Adds what an entry of an allow list stands for to a list of Node's. */
type AddTo = (list: BlockList) => void

/**
 * An entry of an allow list, as Neon takes them: an address, a CIDR block (`10.0.0.0/8`) or a range
 * (`10.0.0.1-10.0.0.9`), of IPv4 or IPv6. Undefined for anything else.
 */
export function parseIpRange(text: string): AddTo | undefined {
  const [first = '', last, ...more] = text.split('-').map((part) => part.trim())
  if (more.length > 0) return undefined
  return last === undefined ? parseBlock(first) : parseSpan(first, last)
}

/** An address as it is compared: an IPv4 address within IPv6 (`::ffff:10.0.0.1`) as the former, no zone. */
export function plainAddress(text: string): string {
  const [address = ''] = text.split('%')
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** `ipv4` or `ipv6`; undefined for what is no address. */
export function addressFamily(address: string): 'ipv4' | 'ipv6' | undefined {
  if (isIPv4(address)) return 'ipv4'
  return isIPv6(address) ? 'ipv6' : undefined
}

function parseBlock(text: string): AddTo | undefined {
  const [given = '', prefix, ...more] = text.split('/')
  const address = plainAddress(given)
  const family = addressFamily(address)
  if (family === undefined || given.includes('%') || more.length > 0) return undefined
  if (prefix === undefined) return (list) => list.addAddress(address, family)
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN
  // The prefix of an IPv4 address that is written as IPv6 counts other bits: let it be written as IPv4.
  const isSound = bits <= (family === 'ipv4' ? 32 : 128) && address === given
  return isSound ? (list) => list.addSubnet(address, bits, family) : undefined
}

function parseSpan(first: string, last: string): AddTo | undefined {
  const [low, high] = [plainAddress(first), plainAddress(last)]
  const family = addressFamily(low)
  if (family === undefined || family !== addressFamily(high)) return undefined
  if (first.includes('%') || last.includes('%')) return undefined
  try {
    // It throws where the range ends before it begins.
    new BlockList().addRange(low, high, family)
  } catch {
    return undefined
  }
  return (list) => list.addRange(low, high, family)
}
