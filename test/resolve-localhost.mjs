// Loaded before Neon's own programs (NODE_OPTIONS=--import), which are as published. Endpoints are names
// below `.localhost`, which systemd-resolved and nss-myhostname resolve and a bare Debian does not: this
// stands in for those. No other name resolves, so what works here works without Neon's cloud.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'

const { lookup } = dns
const { lookup: lookupPromise } = dns.promises

/** @param {string} host */
const isLoopback = (host) => host === 'localhost' || host.endsWith('.localhost')

/** @param {string} host */
const notFound = (host) =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname: host,
  })

dns.lookup = (host, ...rest) => {
  if (isIP(host)) return lookup(host, ...rest)
  if (isLoopback(host)) return lookup('localhost', ...rest)
  return process.nextTick(rest.at(-1), notFound(host))
}
dns.promises.lookup = async (host, ...rest) => {
  if (isIP(host)) return lookupPromise(host, ...rest)
  if (isLoopback(host)) return lookupPromise('localhost', ...rest)
  throw notFound(host)
}
syncBuiltinESMExports()
