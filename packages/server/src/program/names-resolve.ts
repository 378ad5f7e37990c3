import { lookup } from 'node:dns/promises'

import { inTime, late } from '../lib/in-time.ts'

/** Where `ep-….<domain>` leads, as far as this machine can tell. */
export interface HostNames {
  resolve: boolean
  /** Whether connection strings are made of them. */
  areUsed: boolean
  /** What to do where they do not resolve. */
  advice: string | undefined
}

/**
 * Asks as every client asks (`getaddrinfo`). `*.localhost` resolves with systemd-resolved or
 * nss-myhostname, and not on a bare Debian: there connection strings do without. A domain of one's own is
 * taken at its word, for it is meant for clients elsewhere, and a resolver that is down for a moment must
 * not change connection strings.
 */
export async function findHostNames(domain: string): Promise<HostNames> {
  const resolve = await namesResolve(domain)
  const isLocal = domain.endsWith('.localhost')
  const advice = isLocal
    ? '`apt install libnss-myhostname` gives every branch a host name of its own'
    : `clients need a DNS record *.${domain} that leads to this machine`
  return { resolve, areUsed: resolve || !isLocal, advice: resolve ? undefined : advice }
}

async function namesResolve(domain: string): Promise<boolean> {
  try {
    const found = await inTime(lookup(`ep-probe.${domain}`, { all: true }), lookupTimeoutMs)
    return found !== late && found.length > 0
  } catch {
    // ENOTFOUND, or no resolver at all: clients fare the same.
    return false
  }
}

const lookupTimeoutMs = 2_000
