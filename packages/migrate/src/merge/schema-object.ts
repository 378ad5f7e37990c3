/**
 * What a schema consists of, taken apart as far as two people can change it without meeting: a table is one
 * object, each of its columns, constraints and grants another. Two objects are the same where their kinds, keys
 * and definitions are; what stands in a definition is written by PostgreSQL with every name qualified.
 */
export interface SchemaObject {
  kind: Kind
  /** Its name in SQL, with every part in quotes, as `@pgkit/migra` writes it too. */
  key: string
  /** The object that it goes with, by `idOf`: of a column the table. */
  parent: string | null
  definition: string
  /** What the statements about it need beyond the definition. */
  data: ObjectData
}

/** All fields are texts of SQL, or null where they do not apply. */
export interface ObjectData {
  /** How statements name it, with its kind: `table "public"."users"`. */
  target?: string
  /** Of a column, without quotes. */
  name?: string
  type?: string
  default?: string | null
  generated?: string
  /** Of a partition. */
  of?: string | null
  bound?: string | null
  partition_key?: string | null
  /** The tables that a table inherits from. */
  inherits?: string | null
  /** Of a grant: in quotes, and the column that it is about. */
  grantee?: string
  columns?: string
  /** Of a trigger, as in pg_trigger, and the statement that makes it. */
  enabled?: string
  statement?: string
}

/** Kinds that are derived, by migra or by own-statements.ts. */
type DerivedKind =
  | 'schema'
  | 'extension'
  | 'enum'
  | 'domain'
  | 'composite type'
  | 'sequence'
  | 'table'
  | 'table options'
  | 'row security'
  | 'column'
  | 'identity'
  | 'constraint'
  | 'index'
  | 'view'
  | 'view options'
  | 'materialized view'
  | 'function'
  | 'trigger'
  | 'policy'
  | 'rule'
  | 'statistics'
  | 'owner'
  | 'grant'
  | 'comment'

/** Kinds whose differences are named and left to a person. */
type NamedKind =
  | 'aggregate'
  | 'C function'
  | 'base type'
  | 'range type'
  | 'column setting'
  | 'partition default'
  | 'replica identity'
  | 'default privileges'
  | 'foreign table'
  | 'foreign server'
  | 'publication'
  | 'event trigger'
  | 'collation'
  | 'cast'
  | 'operator'
  | 'operator class'
  | 'text search configuration'
  | 'text search dictionary'

export type Kind = DerivedKind | NamedKind

/** A schema by the ids of its objects. */
export type Schema = ReadonlyMap<string, SchemaObject>

/** `column "public"."users"."email"`: what tells an object from all others. */
export function idOf({ kind, key }: Pick<SchemaObject, 'kind' | 'key'>): string {
  return `${kind} ${key}`
}

/** For people: `column users.email`, quoted only where it must be, and without `public`. */
export function describeObject({ kind, key }: Pick<SchemaObject, 'kind' | 'key'>): string {
  return `${kind} ${describeName(key)}`
}

/** A name for people. */
export function describeName(key: string): string {
  return key.replaceAll(/"([a-z_][a-z0-9_$]*)"/g, '$1').replace(/(^|\s)public\.(?=\S)/, '$1')
}

/** An identifier as migra writes it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
