/**
 * pg_hba.conf and pg_ident.conf: the superuser from the platform's own OS user and nobody else, all
 * others with SCRAM, over the Unix socket only. `all` covers connections for logical replication, which
 * name a database. The keyword `replication` stands for physical ones: only PostgreSQL's own OS user, which
 * can read the files anyway, has them, so that a read replica follows its branch. A session of a user
 * cannot use it: dblink and subscriptions of those who are no superusers must give a password.
 *
 * Roles that tokens are for have no password to prove: the platform's OS user, which is the gateway's,
 * logs in as them. Whoever has proved a password or a token to the gateway is then that role and no other,
 * so that there is nothing to RESET to.
 */
/** The superuser of every cluster, reachable only through its private socket directory. */
export const superuserName = 'cloud_admin'

const identMap = 'platform'
const replicaMap = 'replica'

const head = '# Rendered before every start; edits are lost.\n'

/** `tokenRoles` are plain names, as `token-roles.ts` answers them. */
export function renderPgHbaConf(tokenRoles: readonly string[]): string {
  const names = tokenRoles.map((role) => `"${role}"`).join(',')
  return [
    head,
    `local replication ${superuserName} peer map=${replicaMap}\n`,
    `local all ${superuserName} peer map=${identMap}\n`,
    ...(names === '' ? [] : [`local all ${names} peer map=${identMap}\n`]),
    'local all all scram-sha-256\n',
  ].join('')
}

/**
 * The superuser and the roles of tokens may be used by the OS user of the platform's process; the
 * superuser, for replicas alone, by PostgreSQL's.
 */
export function renderPgIdentConf(
  users: { platform: string; database: string },
  tokenRoles: readonly string[],
): string {
  const roles = [superuserName, ...tokenRoles.map((role) => `"${role}"`)]
  const platform = roles.map((role) => `${identMap} "${users.platform}" ${role}\n`).join('')
  return `${head}${platform}${replicaMap} "${users.database}" ${superuserName}\n`
}
