import type { Sql } from 'postgres'

import { superuserName } from './access-files.ts'
import { memberGroup, quoteIdentifier, quoteLiteral } from './object-names.ts'
import { roleExists, runSecret } from './roles.ts'
import { type Cluster, platformDatabase } from './superuser.ts'

/** The verifier that a role gets, of its name and the one that it has; null for no password. */
export type VerifierOf = (role: { name: string; verifier: string | null }) => Promise<string | null>

/**
 * Roles as they are in another cluster: attributes, memberships, and passwords unless others are given.
 * What is there already is made equal, so that it may be repeated.
 */
export async function copyRoles(
  from: Cluster,
  to: Cluster,
  verifierOf: VerifierOf = async ({ verifier }) => verifier,
): Promise<void> {
  const { roles, memberships } = await from.withSuperuser(platformDatabase, async (sql) => ({
    roles: await readRoles(sql),
    memberships: await readMemberships(sql),
  }))
  const wanted: RoleRow[] = []
  for (const role of roles) wanted.push({ ...role, verifier: await verifierOf(role) })
  await to.withSuperuser(platformDatabase, async (sql) => {
    for (const role of wanted) await putRole(sql, role)
    for (const membership of inOrder(memberships)) await sql.unsafe(grantStatement(membership))
  })
}

interface RoleRow {
  name: string
  /** Keywords of CREATE ROLE. */
  attributes: string
  verifier: string | null
  valid_until: string | null
  comment: string | null
}

async function readRoles(sql: Sql): Promise<RoleRow[]> {
  return sql<RoleRow[]>`
    select rolname as name, rolpassword as verifier, rolvaliduntil::text as valid_until,
      shobj_description(oid, 'pg_authid') as comment,
      concat_ws(' ',
        case when rolinherit then 'inherit' else 'noinherit' end,
        case when rolcreaterole then 'createrole' else 'nocreaterole' end,
        case when rolcreatedb then 'createdb' else 'nocreatedb' end,
        case when rolcanlogin then 'login' else 'nologin' end,
        case when rolreplication then 'replication' else 'noreplication' end,
        case when rolbypassrls then 'bypassrls' else 'nobypassrls' end,
        'connection limit ' || rolconnlimit) as attributes
    from pg_authid
    where ${isUsers(sql, sql`pg_authid`)}
    order by oid`
}

async function putRole(sql: Sql, role: RoleRow): Promise<void> {
  const name = quoteIdentifier(role.name)
  if (!(await roleExists(sql, role.name))) await sql.unsafe(`create role ${name}`)
  const password = role.verifier === null ? 'null' : quoteLiteral(role.verifier)
  const until = quoteLiteral(role.valid_until ?? 'infinity')
  // A role without an end and one whose end is infinity are the same to PostgreSQL.
  await runSecret(
    sql,
    `alter role ${name} ${role.attributes} password ${password} valid until ${until}`,
  )
  if (role.comment !== null) {
    await sql.unsafe(`comment on role ${name} is ${quoteLiteral(role.comment)}`)
  }
}

interface Membership {
  role: string
  member: string
  grantor: string
  /** `WITH …`, as the version writes it. */
  options: string
  is_admin: boolean
}

const isUsers = (sql: Sql, role: ReturnType<Sql>) => sql`(
  ${role}.rolname not like 'pg\\_%' and ${role}.rolname not in (${superuserName}, ${memberGroup}))`

/** Those of users' roles; the platform's own and PostgreSQL's are in every cluster. */
async function readMemberships(sql: Sql): Promise<Membership[]> {
  const [row] = await sql<{ version: number }[]>`
    select current_setting('server_version_num')::integer / 10000 as version`
  const options =
    (row?.version ?? 0) >= 16
      ? sql`format(' with admin %s, inherit %s, set %s', m.admin_option::text, m.inherit_option::text,
          m.set_option::text)`
      : sql`case when m.admin_option then ' with admin option' else '' end`
  return sql<Membership[]>`
    select r.rolname as role, member.rolname as member, grantor.rolname as grantor,
      m.admin_option as is_admin, ${options} as options
    from pg_auth_members m join pg_roles r on r.oid = m.roleid
      join pg_roles member on member.oid = m.member
      join pg_roles grantor on grantor.oid = m.grantor
    where ${isUsers(sql, sql`member`)} or ${isUsers(sql, sql`r`)}
    order by m.roleid, m.member, m.grantor`
}

/** Who grants a role on has to have it with the admin option before; the superuser needs nothing. */
function inOrder(memberships: readonly Membership[]): Membership[] {
  const ordered: Membership[] = []
  let rest = [...memberships]
  const isAble = (role: string, grantor: string): boolean =>
    grantor === superuserName ||
    ordered.some((one) => one.role === role && one.member === grantor && one.is_admin)
  while (rest.length > 0) {
    const next = rest.filter((one) => isAble(one.role, one.grantor))
    // What nobody could have granted now, because its grantor has lost the option, is tried as it is.
    const taken = next.length > 0 ? next : rest
    ordered.push(...taken)
    rest = rest.filter((one) => !taken.includes(one))
  }
  return ordered
}

function grantStatement({ role, member, grantor, options }: Membership): string {
  const [group, to, by] = [role, member, grantor].map(quoteIdentifier)
  return `grant ${group} to ${to}${options} granted by ${by}`
}
