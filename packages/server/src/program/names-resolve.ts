import { lookup } from 'node:dns/promises'

/**
 * Whether any name below the domain reaches this machine, asked as every client asks (`getaddrinfo`).
 * `*.localhost` does so with systemd-resolved or nss-myhostname, and not on a bare Debian.
 */
export async function namesResolve(domain: string): Promise<boolean> {
  try {
    const found = await Promise.race([lookup(`ep-probe.${domain}`, { all: true }), deadline()])
    return found !== undefined && found.length > 0
  } catch {
    // ENOTFOUND, or no resolver at all: clients fare the same.
    return false
  }
}

const lookupTimeoutMs = 2_000

async function deadline(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), lookupTimeoutMs).unref()
  })
}
