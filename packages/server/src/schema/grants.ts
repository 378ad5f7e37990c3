/** One item of an access list, as `aclexplode` tells it; names are quoted. */
export interface Grant {
  grantor: string
  /** Null is PUBLIC. */
  grantee: string | null
  privilege: string
  grantable: boolean
}

export interface Privileges {
  /** What follows ON: `TABLE public.users`. */
  target: string
  /** A column's privileges are told with its name. */
  column?: string | undefined
  owner: string
  held: readonly Grant[]
  /** What is held where nobody has granted or revoked anything. */
  standard: readonly Grant[]
  /** All privileges that there are on such an object. */
  all: readonly string[]
  /** In front of GRANT and REVOKE: `ALTER DEFAULT PRIVILEGES FOR ROLE … `. */
  prefix?: string | undefined
}

interface Group {
  grantor: string
  grantee: string | null
  grantable: boolean
  privileges: string[]
}

/** The statements that make what is held out of the standard; none where they are the same. */
export function privilegeStatements(privileges: Privileges): string[] {
  const { held, standard, owner } = privileges
  const lost = standard.filter(
    (one) =>
      !held.some(
        (other) =>
          other.grantee === one.grantee &&
          other.privilege === one.privilege &&
          other.grantor === one.grantor,
      ),
  )
  const gained = held.filter(
    (one) =>
      !standard.some(
        (other) =>
          other.grantee === one.grantee &&
          other.privilege === one.privilege &&
          other.grantor === one.grantor &&
          (other.grantable || !one.grantable),
      ),
  )
  return [
    ...groups(lost).map((group) => revoke(privileges, group)),
    ...inOrderOfGrantors(groups(gained), owner).flatMap((group) => grant(privileges, group)),
  ]
}

function groups(grants: readonly Grant[]): Group[] {
  const found = new Map<string, Group>()
  for (const { grantor, grantee, grantable, privilege } of grants) {
    const key = JSON.stringify([grantor, grantee, grantable])
    const group = found.get(key) ?? { grantor, grantee, grantable, privileges: [] }
    group.privileges.push(privilege)
    found.set(key, group)
  }
  return [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
}

/** Who grants on has to have been granted before; the owner's come first. */
function inOrderOfGrantors(all: readonly Group[], owner: string): Group[] {
  const ordered: Group[] = []
  const able = new Set([owner])
  let rest = [...all]
  while (rest.length > 0) {
    const next = rest.filter((group) => able.has(group.grantor))
    // Grants that nobody could have made now, as after a superuser's; they are tried last.
    const taken = next.length > 0 ? next : rest
    for (const group of taken) {
      ordered.push(group)
      if (group.grantable && group.grantee !== null) able.add(group.grantee)
    }
    rest = rest.filter((group) => !taken.includes(group))
  }
  return ordered
}

const grantee = (group: Group): string => group.grantee ?? 'PUBLIC'

function privilegeList({ all, column }: Privileges, group: Group): string {
  if (column !== undefined) return group.privileges.map((one) => `${one}(${column})`).join(', ')
  const isAll = all.length > 0 && all.every((one) => group.privileges.includes(one))
  return isAll ? 'ALL' : group.privileges.join(', ')
}

function revoke(privileges: Privileges, group: Group): string {
  const { prefix = '', target } = privileges
  const list = privilegeList(privileges, group)
  return `${prefix}REVOKE ${list} ON ${target} FROM ${grantee(group)}`
}

function grant(privileges: Privileges, group: Group): string[] {
  const { prefix = '', target, owner } = privileges
  const option = group.grantable ? ' WITH GRANT OPTION' : ''
  const list = privilegeList(privileges, group)
  const statement = `${prefix}GRANT ${list} ON ${target} TO ${grantee(group)}${option}`
  if (group.grantor === owner) return [statement]
  return [`SET SESSION AUTHORIZATION ${group.grantor}`, statement, 'RESET SESSION AUTHORIZATION']
}
