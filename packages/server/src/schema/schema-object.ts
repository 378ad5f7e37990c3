/**
 * What a schema is made of, in the order in which kinds are written. An object comes after what it
 * depends on, whatever its kind; among the rest this order makes the text the same for equal schemas.
 */
export const kinds = [
  'schema',
  'extension',
  'foreign-data wrapper',
  'server',
  'collation',
  'type',
  'function',
  'aggregate',
  'operator',
  'cast',
  'conversion',
  'domain check',
  'text search dictionary',
  'text search configuration',
  'sequence',
  'table',
  'view',
  'table attach',
  'sequence owner',
  'identity',
  'default',
  'check constraint',
  'index',
  'constraint',
  'index attach',
  'statistics',
  'foreign key',
  'rule',
  'trigger',
  'row security',
  'policy',
  'publication',
  'event trigger',
] as const

export type Kind = (typeof kinds)[number]

/** A row of a system catalog, as `pg_depend` names it: `pg_class:16385`. */
export type Address = string

export const addressOf = (catalog: string, oid: number): Address => `${catalog}:${oid}`

export interface SchemaObject {
  kind: Kind
  /** Qualified and quoted: the same text wherever the schema is the same. */
  name: string
  /** Its own row, and those of what it brings along: what depends on one of them depends on it. */
  addresses: readonly Address[]
  /** Make it, without semicolons. */
  statements: readonly string[]
  /** Gives it to its owner. */
  ownership?: string
  /** What it depends on beside what `pg_depend` says. */
  after?: readonly Address[]
  /** Makes a stand-in of the same columns, for a view that others need before it can be made. */
  standIn?: string
}
