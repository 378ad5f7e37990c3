/**
 * pg_hba.conf and pg_ident.conf: the superuser from the platform's own OS user and nobody else, all
 * others with SCRAM, over the Unix socket only. `all` covers connections for logical replication, which
 * name a database; no line has the keyword `replication`, so that physical ones are always refused.
 */

/** The superuser of every cluster, reachable only through its private socket directory. */
export const superuserName = 'cloud_admin'

const identMap = 'platform'

export const pgHbaConf = `# Rendered before every start; edits are lost.
local all ${superuserName} peer map=${identMap}
local all all scram-sha-256
`

/** The superuser may be used by `osUser`, the OS user of the platform's process. */
export function renderPgIdentConf(osUser: string): string {
  return `# Rendered before every start; edits are lost.\n${identMap} "${osUser}" ${superuserName}\n`
}
