/**
 * pg_hba.conf and pg_ident.conf: the superuser from the platform's own OS user and nobody else, all
 * others with SCRAM, over the Unix socket only. `all` covers connections for logical replication, which
 * name a database. The keyword `replication` stands for physical ones: only PostgreSQL's own OS user, which
 * can read the files anyway, has them, so that a read replica follows its branch. A session of a user
 * cannot use it: dblink and subscriptions of those who are no superusers must give a password.
 */

/** The superuser of every cluster, reachable only through its private socket directory. */
export const superuserName = 'cloud_admin'

const identMap = 'platform'
const replicaMap = 'replica'

export const pgHbaConf = `# Rendered before every start; edits are lost.
local replication ${superuserName} peer map=${replicaMap}
local all ${superuserName} peer map=${identMap}
local all all scram-sha-256
`

/** The superuser may be used by the OS user of the platform's process, for replicas by PostgreSQL's. */
export function renderPgIdentConf(users: { platform: string; database: string }): string {
  return (
    '# Rendered before every start; edits are lost.\n' +
    `${identMap} "${users.platform}" ${superuserName}\n` +
    `${replicaMap} "${users.database}" ${superuserName}\n`
  )
}
