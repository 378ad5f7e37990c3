import type { TableDetails } from '../../sql/catalog.ts'

/** Why the rows of a table cannot be changed here; undefined where they can. */
export function readOnlyReason(details: TableDetails, at: string | undefined): string | undefined {
  const { kind, key, privileges } = details
  if (at !== undefined) return 'This is the past, which can only be read.'
  if (kind === 'v') return 'A view has no rows of its own: change those of the tables it reads.'
  if (kind === 'm') return 'A materialized view has what its query had when it was last refreshed.'
  if (kind === 'f') return 'A foreign table has its rows elsewhere, and no key that is known here.'
  if (key === null) {
    return 'Without a primary key, or a unique index on columns that are NOT NULL, one row cannot be told from another.'
  }
  if (!privileges.insert && !privileges.update && !privileges.delete) {
    return 'This role may not write this table. Choose another role, or GRANT it.'
  }
  return undefined
}
