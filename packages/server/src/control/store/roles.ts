import type { Queryable } from './store.ts'

export interface RoleRow {
  branch_id: string
  name: string
  password_sealed: Uint8Array | null
  can_login: boolean
  created_at: Date
  updated_at: Date
}

export async function listRoles(sql: Queryable, branchId: string): Promise<RoleRow[]> {
  return sql<RoleRow[]>`select * from roles where branch_id = ${branchId} order by created_at, name`
}

export async function findRole(
  sql: Queryable,
  branchId: string,
  name: string,
): Promise<RoleRow | undefined> {
  const [row] = await sql<RoleRow[]>`
    select * from roles where branch_id = ${branchId} and name = ${name}`
  return row
}

/** Makes or replaces the row. */
export async function putRole(
  sql: Queryable,
  role: Pick<RoleRow, 'branch_id' | 'name' | 'password_sealed' | 'can_login'>,
): Promise<void> {
  await sql`
    insert into roles ${sql(role)}
    on conflict (branch_id, name) do update set
      password_sealed = excluded.password_sealed, can_login = excluded.can_login, updated_at = now()`
}

export async function removeRole(sql: Queryable, branchId: string, name: string): Promise<void> {
  await sql`delete from roles where branch_id = ${branchId} and name = ${name}`
}

/** Makes the rows equal to the roles that the cluster has; passwords known to us are kept. */
export async function syncRoles(
  sql: Queryable,
  branchId: string,
  roles: readonly { name: string; canLogin: boolean }[],
): Promise<void> {
  const names = roles.map((role) => role.name)
  await sql`delete from roles where branch_id = ${branchId} and name <> all (${names})`
  if (roles.length === 0) return
  const rows = roles.map((role) => ({
    branch_id: branchId,
    name: role.name,
    can_login: role.canLogin,
  }))
  await sql`
    insert into roles ${sql(rows)}
    on conflict (branch_id, name) do update set can_login = excluded.can_login, updated_at = now()
    where roles.can_login <> excluded.can_login`
}

export async function copyRoles(sql: Queryable, from: string, to: string): Promise<void> {
  await sql`
    insert into roles (branch_id, name, password_sealed, can_login, created_at, updated_at)
    select ${to}, name, password_sealed, can_login, created_at, updated_at
    from roles where branch_id = ${from}
    on conflict do nothing`
}
