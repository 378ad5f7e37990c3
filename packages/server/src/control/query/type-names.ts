import type { Compute } from '../../compute/compute.ts'

/** Above this, types are users' own, and differ from database to database. */
const firstUserOid = 16_384
const builtIn = new Map<number, string>()

/** Of types, as `format_type` writes them, by OID; built-in ones are asked for once. */
export async function nameTypes(
  compute: Compute,
  database: string,
  wanted: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>()
  const missing: number[] = []
  for (const oid of wanted) {
    const known = builtIn.get(oid)
    if (known === undefined) missing.push(oid)
    else names.set(oid, known)
  }
  if (missing.length === 0) return names
  const list = missing.join(',')
  const found = await compute.peek(
    async (sql) => sql<Array<{ oid: string; name: string }>>`
      select t.oid::text as oid, format_type(t.oid, null) as name
      from pg_type t where t.oid = any(string_to_array(${list}, ',')::oid[])`,
    database,
  )
  for (const { oid, name } of found ?? []) {
    names.set(Number(oid), name)
    if (Number(oid) < firstUserOid) builtIn.set(Number(oid), name)
  }
  return names
}
