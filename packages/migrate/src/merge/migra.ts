import type { PostgreSQL } from '@pgkit/migra'

import type { Session } from '../session.ts'
import { withPlainPath } from './read-schema.ts'
import {
  idOf,
  type Kind,
  type ObjectData,
  quoteName,
  type Schema,
  type SchemaObject,
} from './schema-object.ts'
import type { Change } from './three-way.ts'

/**
 * What `@pgkit/migra` has seen of a database. It compares two of these; a merge gives it one that was never a
 * database: what the parent has, with what the branch changed in the branch's version.
 */
export type Inspected = PostgreSQL

/** What a merge does not ask migra about: see own-statements.ts. */
const unasked: readonly string[] = [
  'PRIVILEGES_QUERY',
  'TYPES_QUERY',
  'DOMAINS_QUERY',
  'COLLATIONS_QUERY',
]

/**
 * Lets migra look at a database through a session of ours. Its own client verifies certificates in its own way,
 * and parses each of its queries before it sends it, which takes longer than all of them together.
 */
export async function inspect(session: Session): Promise<Inspected> {
  const { PostgreSQL: Inspector } = await import('@pgkit/migra')
  return withPlainPath(session, async () => {
    const [server] = await session.sql<Array<{ version: string }>>`
      select current_setting('server_version') as version`
    // It is made by its `create` otherwise, which begins to query at once.
    const inspected = Reflect.construct(Inspector, [null, server?.version, {}]) as Inspected
    Object.assign(inspected, {
      execute: async (name: keyof Inspected) => ask(session, inspected, name),
    })
    const loadDependencies = inspected.load_deps.bind(inspected)
    Object.assign(inspected, {
      load_deps: async () => {
        await loadDependencies()
        onceEach(inspected)
      },
    })
    await inspected.load_all_async()
    return settle(inspected)
  })
}

/** Of a table that inherits from several it takes one. */
const parentOfTable = 'where child.oid = c.oid'

interface Row {
  schema?: string
  table_name?: string
}

async function ask(session: Session, inspected: Inspected, name: keyof Inspected): Promise<Row[]> {
  if (unasked.includes(name)) return []
  const query = String(inspected[name])
    .trim()
    .replace(/;$/, '')
    .replace(parentOfTable, `${parentOfTable} order by inhseqno limit 1`)
  const [row] = await session.sql.unsafe<Array<{ rows: string }>>(
    `select coalesce(json_agg(q), '[]')::text as rows from (${query}\n) q`,
  )
  const rows = JSON.parse(row?.rows ?? '[]') as Row[]
  if (name !== 'CONSTRAINTS_QUERY' && name !== 'INDEXES_QUERY') return rows
  // It looks for their tables, and has no foreign ones.
  return rows.filter(
    ({ schema = '', table_name: table = '' }) =>
      inspected.relations[`${quoteName(schema)}.${quoteName(table)}`],
  )
}

/** It notes a dependency once for each of all dependencies, and follows each of these on its own. */
function onceEach({ selectables, enums }: Inspected): void {
  for (const one of [...Object.values(selectables), ...Object.values(enums)]) {
    one.dependent_on = [...new Set(one.dependent_on)]
    one.dependents = [...new Set(one.dependents)]
  }
}

/** The statements that lead from one to the other, in migra's order, which is not always one that runs. */
export async function migraStatements(from: Inspected, target: Inspected): Promise<string[]> {
  const { Migration } = await import('@pgkit/migra')
  const migration = await Migration.create(from, target, {})
  migration.set_safety(false)
  migration.add_all_changes()
  const statements = [...migration.statements].map((statement) =>
    statement.trim().replace(/[;\s]+$/, ''),
  )
  const bodies = 'set check_function_bodies = off'
  const rest = statements.filter((statement) => statement !== bodies)
  return rest.length < statements.length ? [bodies, ...rest] : rest
}

/** `from` with the changes, each taken from what migra has seen of the branch. */
export function withBranchChanges(
  from: Inspected,
  branch: Inspected,
  branchSchema: Schema,
  changes: readonly Change[],
): Inspected {
  mendBranch(branch, branchSchema)
  const target = copyOf(from)
  for (const change of changes.toSorted((a, b) => rankOf(a) - rankOf(b))) {
    applyChange({ from, branch, target }, change)
  }
  return target
}

interface Sides {
  from: Inspected
  branch: Inspected
  target: Inspected
}

type Collection =
  | 'schemas'
  | 'extensions'
  | 'enums'
  | 'sequences'
  | 'constraints'
  | 'indexes'
  | 'triggers'
  | 'rlspolicies'
  | 'selectables'
  | 'materialized_views'

const collections: readonly Collection[] = [
  'schemas',
  'extensions',
  'enums',
  'sequences',
  'constraints',
  'indexes',
  'triggers',
  'rlspolicies',
  'selectables',
  'materialized_views',
]

function copyOf(inspected: Inspected): Inspected {
  const copy = Object.assign(
    Object.create(Object.getPrototypeOf(inspected)),
    inspected,
  ) as Inspected
  for (const name of collections) Object.assign(copy, { [name]: { ...inspected[name] } })
  return copy
}

/** Tables before their columns. */
function rankOf({ before, after }: Change): number {
  return (after ?? before)?.kind === 'column' ? 1 : 0
}

/** Where migra keeps the objects of a kind. Those of other kinds are not migra's: see own-statements.ts. */
const collectionsOf: Partial<Record<Kind, readonly Collection[]>> = {
  schema: ['schemas'],
  extension: ['extensions'],
  enum: ['enums'],
  sequence: ['sequences'],
  constraint: ['constraints'],
  index: ['indexes'],
  trigger: ['triggers'],
  policy: ['rlspolicies'],
  'materialized view': ['materialized_views', 'selectables'],
  view: ['selectables'],
  function: ['selectables'],
  'composite type': ['selectables'],
  table: ['selectables'],
}

function applyChange(sides: Sides, { before, after }: Change): void {
  const object = after ?? before
  if (!object) return
  const { kind, key } = object
  if (kind === 'column') return changeColumn(sides, before, after)
  if (kind === 'table' && before && after) return changeTable(sides, key)
  for (const name of collectionsOf[kind] ?? []) take(sides, name, keyIn(name, object), after)
  if (kind === 'enum') retypeColumns(sides, key)
  if (kind === 'function') mendReplacement(sides, key)
}

/** Schemas and extensions go by their names without quotes. */
function keyIn(name: Collection, { key }: SchemaObject): string {
  return name === 'schemas' || name === 'extensions' ? key.slice(1, -1).replaceAll('""', '"') : key
}

function take(
  { from, branch, target }: Sides,
  name: Collection,
  key: string,
  after: SchemaObject | undefined,
): void {
  const [own, other] = [from[name][key], branch[name][key]]
  if (!after) delete target[name][key]
  else if (other) Object.assign(target[name], { [key]: other })
  // Migra leaves out of its comparison what it does not know: settings of functions, options.
  if (own && other && after)
    Object.defineProperty(own, 'equals', { value: () => false, configurable: true })
}

/** PostgreSQL replaces a function where its result is the same and no parameter has lost its default. */
function mendReplacement({ from, branch }: Sides, key: string): void {
  const [own, other] = [from.functions[key], branch.functions[key]]
  if (!own || !other) return
  const hasLost = own.inputs.some((input, at) => input.default && !other.inputs[at]?.default)
  if (own.result_string !== other.result_string || hasLost) {
    Object.defineProperty(other, 'can_replace', { value: () => false, configurable: true })
  }
}

/** The columns of an enum that is made anew, which migra casts where they have another enum object. */
function retypeColumns(sides: Sides, key: string): void {
  const type = sides.branch.enums[key]
  if (!type) return
  for (const name of Object.keys(sides.target.selectables)) {
    const columns = sides.target.selectables[name]?.columns ?? {}
    for (const [at, column] of Object.entries(columns)) {
      if (column.enum?.quoted_full_name !== key) continue
      const copy = Object.assign(Object.create(Object.getPrototypeOf(column)), column, {
        enum: type,
      }) as Column
      mendCast(copy, key)
      const table = ownTable(sides, name)
      if (table) table.columns[at] = copy
    }
  }
}

type Table = Inspected['selectables'][string]

/** A copy that may be changed, of the table that the target has. */
function ownTable({ from, target }: Sides, key: string): Table | undefined {
  const table = target.selectables[key]
  if (!table || table !== from.selectables[key]) return table
  const copy = Object.assign(Object.create(Object.getPrototypeOf(table)), table, {
    columns: { ...table.columns },
  }) as Table
  target.selectables[key] = copy
  return copy
}

function changeTable(sides: Sides, key: string): void {
  const [table, other] = [ownTable(sides, key), sides.branch.selectables[key]]
  if (!table || !other) return
  const { persistence, partition_def, parent_table, relationtype } = other
  Object.assign(table, { persistence, partition_def, parent_table, relationtype })
}

function changeColumn(
  sides: Sides,
  before: SchemaObject | undefined,
  after: SchemaObject | undefined,
): void {
  const data = (after ?? before)?.data ?? {}
  const [key, name] = [tableOf(data), data.name ?? '']
  const table = ownTable(sides, key)
  // A table that the branch has made has its columns with it.
  if (!table || table === sides.branch.selectables[key]) return
  const column = sides.branch.selectables[key]?.columns[name]
  if (!after) delete table.columns[name]
  else if (column) {
    table.columns[name] = column
    if (before) mendAlteration(column, before.data, after.data, sides.from.pg_version)
  }
}

type Column = Table['columns'][string]

/** Types and defaults depend on each other, and PostgreSQL alters generated columns in its own ways. */
function mendAlteration(
  column: Column,
  before: ObjectData,
  after: ObjectData,
  version: number,
): void {
  const original = column.alter_table_statements.bind(column)
  Object.defineProperty(column, 'alter_table_statements', {
    value: (other: Column, table: string): string[] => {
      const alter = `alter table ${table} alter column ${column.quoted_name}`
      const setDefault = after.default ? [`${alter} set default ${after.default};`] : []
      if (before.generated && after.generated) {
        return version >= 17 && before.generated === after.generated && before.type === after.type
          ? [`${alter} set expression as (${after.default});`]
          : [
              `alter table ${table} drop column ${column.quoted_name};`,
              `alter table ${table} ${column.add_column_clause};`,
            ]
      }
      if (before.generated) return [`${alter} drop expression;`, ...setDefault]
      if (before.type === after.type || !before.default) return original(other, table)
      const rest = original(other, table).filter(
        (statement) => !/ (set|drop) default\b/.test(statement),
      )
      return [`${alter} drop default;`, ...rest, ...setDefault]
    },
  })
}

/** What migra would get wrong on either side. */
function settle(inspected: Inspected): Inspected {
  for (const constraint of Object.values(inspected.constraints)) {
    // An index of its own for each constraint cannot become one of a partitioned table's.
    if (constraint.index)
      delete inspected.indexes[`${quoteName(constraint.schema)}.${quoteName(constraint.index)}`]
    Object.assign(constraint, { index: null })
    // In one transaction nothing is won by validating afterwards, and its text may say NOT VALID already.
    Object.defineProperty(constraint, 'can_use_not_valid', { value: false })
  }
  for (const policy of Object.values(inspected.rlspolicies)) {
    const roles = policy.roles.map((role) => (role === 'public' ? role : quoteName(role)))
    Object.assign(policy, { roles })
  }
  return inspected
}

/** Where migra would write less than the schema says. */
function mendBranch(branch: Inspected, schema: Schema): void {
  for (const object of schema.values()) {
    if (object.kind === 'column') mendColumn(branch, object, schema)
    else if (object.kind === 'sequence') mendSequence(branch, object)
    else if (object.kind === 'enum') {
      const one = branch.enums[object.key]
      if (one) Object.defineProperty(one, 'quoted_elements', { value: object.definition })
    }
  }
  for (const object of schema.values()) {
    if (object.kind === 'table') mendTable(branch, object, schema)
  }
}

/** With its collation, the limits of its identity, and as a virtual column where it is one. */
function mendColumn(branch: Inspected, object: SchemaObject, schema: Schema): void {
  const { data, key } = object
  const column = branch.selectables[tableOf(data)]?.columns[data.name ?? '']
  if (!column) return
  const identity = schema.get(idOf({ kind: 'identity', key }))
  const limits = identity?.definition.replace(/^as .*? (?=increment)/, '')
  const definition =
    limits === undefined
      ? object.definition
      : object.definition.replace(' as identity', ` as identity (${limits})`)
  Object.defineProperty(column, 'creation_clause', { value: definition })
  Object.defineProperty(column, 'add_column_clause', { value: `add column ${definition}` })
  if (column.is_enum) mendCast(column, data.type ?? '')
}

/** With its limits, since it begins at the least of them. */
function mendSequence(branch: Inspected, { key, definition }: SchemaObject): void {
  const sequence = branch.sequences[key]
  const limits = definition.replace(/ owned by .*$/, '')
  if (sequence) {
    Object.defineProperty(sequence, 'create_statement', {
      value: `create sequence ${key} ${limits};`,
    })
  }
}

/** A partition can be divided itself, and a table that inherits has columns that are not its own. */
function mendTable(
  branch: Inspected,
  { key, data, definition }: SchemaObject,
  schema: Schema,
): void {
  const table = branch.selectables[key]
  if (!table || (!data.bound && !data.inherits)) return
  const unlogged = definition.startsWith('unlogged') ? 'unlogged ' : ''
  const divided = data.partition_key ? ` partition by ${data.partition_key}` : ''
  const own = Object.entries(table.columns)
    .filter(([name]) => schema.has(`column ${key}.${quoteName(name)}`))
    .map(([, column]) => column.creation_clause)
  const content = data.bound
    ? `partition of ${data.of} ${data.bound}${divided}`
    : `(${own.join(', ')}) inherits (${data.inherits})`
  Object.defineProperty(table, 'create_statement', {
    value: `create ${unlogged}table ${key} ${content};`,
  })
}

function tableOf({ target = '' }: ObjectData): string {
  return target.replace(/^table /, '')
}

/** With the name of the column in quotes. */
function mendCast(column: Column, type: string): void {
  const { quoted_name: name } = column
  Object.defineProperty(column, 'change_enum_statement', {
    value: (table: string) =>
      `alter table ${table} alter column ${name} type ${type} using ${name}::text::${type};`,
  })
}
