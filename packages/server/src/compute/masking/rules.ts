import type { MaskingRule } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import { quoteLiteral } from '../object-names.ts'
import type { ForeignKey, MaskableColumn, MaskableTable } from './tables.ts'

/** The SQL expression of each masked column of a table, by the column's name. */
export type TableMasks = ReadonlyMap<string, string>

/** Of the tables of one database, by oid: a rule holds for a table's partitions and heirs as well. */
export type DatabaseMasks = ReadonlyMap<number, TableMasks>

/** The expression that a rule puts in the place of its column. */
export function expressionOf(rule: MaskingRule): string {
  return rule.masking_function ?? quoteLiteral(rule.masking_value ?? '')
}

/**
 * The rules of one database, laid over its tables. Rejects with AppError `invalid_request` where one does
 * not fit: a table or column that is not there or has no values of its own, a null where none may be, one
 * value in a unique column, a foreign key whose two sides would not match any more.
 */
export function applyRules(
  rules: readonly MaskingRule[],
  tables: readonly MaskableTable[],
): DatabaseMasks {
  const masks = new Map<number, Map<string, string>>()
  for (const rule of rules) {
    checkForm(rule)
    const table = findTable(rule, tables)
    for (const one of withHeirs(table, tables)) {
      const own = masks.get(one.oid) ?? new Map<string, string>()
      if (own.has(rule.column_name)) throw refused(rule, 'is masked by two rules; keep one of them')
      checkColumn(rule, one)
      masks.set(one.oid, own.set(rule.column_name, expressionOf(rule)))
    }
  }
  const byOid = new Map(tables.map((table) => [table.oid, table]))
  for (const rule of rules) {
    for (const one of withHeirs(findTable(rule, tables), tables)) checkUniques(rule, one, masks)
  }
  for (const table of tables) {
    for (const key of table.foreignKeys) checkForeignKey(table, key, { byOid, masks })
  }
  return masks
}

function checkForm(rule: MaskingRule): void {
  const { masking_function: expression, masking_value: value } = rule
  if ((expression === undefined) === (value === undefined)) {
    throw refused(rule, 'needs a masking_function or a masking_value, and not both')
  }
  if (expression?.trim() === '') throw refused(rule, 'has an empty masking_function')
  if (`${expression ?? ''}${value ?? ''}`.includes('\0')) {
    throw refused(rule, 'has a NUL character, which PostgreSQL does not take')
  }
}

const withoutRows: Readonly<Record<string, string>> = {
  v: 'is a view: mask the tables that it reads',
  m: 'is a materialized view: mask the tables that it reads',
  f: 'is a foreign table, whose rows are not copied: take the rule out',
}

function findTable(rule: MaskingRule, tables: readonly MaskableTable[]): MaskableTable {
  const table = tables.find(
    (one) => one.schema === rule.schema_name && one.name === rule.table_name,
  )
  if (table === undefined) {
    throw refused(
      rule,
      'is of a table that database does not have; check the spelling and the schema',
    )
  }
  const problem = withoutRows[table.kind]
  if (problem !== undefined) throw refused(rule, problem)
  return table
}

function checkColumn(rule: MaskingRule, table: MaskableTable): MaskableColumn {
  const column = table.columns.find(({ name }) => name === rule.column_name)
  if (column === undefined) {
    const known = table.columns.map(({ name }) => name).slice(0, 20)
    throw refused(rule, `is no column of its table, which has ${known.join(', ')}`)
  }
  if (column.isGenerated) {
    throw refused(rule, 'is generated from other columns: mask those')
  }
  if (column.isNotNull && isNull(expressionOf(rule))) {
    throw refused(rule, 'is NOT NULL: mask it with a value')
  }
  return column
}

/** A table with all that is below it. */
function withHeirs(table: MaskableTable, tables: readonly MaskableTable[]): Set<MaskableTable> {
  const found = new Set([table])
  // A set is walked to its end, also what is added on the way.
  for (const parent of found) {
    for (const one of tables) if (one.parents.includes(parent.oid)) found.add(one)
  }
  return found
}

const isNull = (expression: string): boolean => /^\s*null\s*$/i.test(expression)

/** The same value in every row: a literal, and not NULL, of which a unique index takes many. */
const isConstant = (expression: string | undefined): boolean =>
  expression !== undefined &&
  /^\s*('(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false)\s*$/i.test(expression)

function checkUniques(
  rule: MaskingRule,
  table: MaskableTable,
  masks: ReadonlyMap<number, TableMasks>,
): void {
  const own = masks.get(table.oid)
  const broken = table.uniques.find(
    (columns) =>
      columns.includes(rule.column_name) &&
      columns.every((name) => name !== null && isConstant(own?.get(name))),
  )
  if (broken === undefined) return
  throw refused(
    rule,
    'is unique and would be the same everywhere: use anon.pseudo_email or anon.hash',
  )
}

function checkForeignKey(
  table: MaskableTable,
  key: ForeignKey,
  { byOid, masks }: { byOid: Map<number, MaskableTable>; masks: DatabaseMasks },
): void {
  const target = byOid.get(key.table)
  for (const [at, column] of key.columns.entries()) {
    const referenced = key.referencedColumns[at] ?? ''
    const own = masks.get(table.oid)?.get(column)
    const other = masks.get(key.table)?.get(referenced)
    if (own === undefined && other === undefined) continue
    // A null refers to nothing.
    if (own !== undefined && isNull(own)) continue
    const isSame =
      own !== undefined &&
      other !== undefined &&
      isDeterministic(own, column) &&
      generalized(own, column) === generalized(other, referenced)
    if (isSame) continue
    const from = `${table.schema}.${table.name}.${column}`
    const to = `${target?.schema}.${target?.name}.${referenced}`
    throw new AppError(
      'invalid_request',
      `foreign key ${key.name} would not hold: mask ${from} and ${to} alike, both with ` +
        'anon.hash, anon.pseudo_… or anon.partial of the column itself, or neither',
    )
  }
}

/** An expression with its own column left open, so that the masks of two columns can be compared. */
function generalized(expression: string, column: string): string {
  const quoted = `"${column.replaceAll('"', '""')}"`
  return expression
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([(),]) ?/g, '$1')
    .replaceAll(quoted, '$')
    .replaceAll(
      new RegExp(String.raw`(?<![\w$."'])${escapeForPattern(column)}(?![\w$"'(])`, 'g'),
      '$',
    )
}

const escapeForPattern = (text: string): string =>
  text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/** Whether equal values become equal ones whatever else is in their rows. */
const isDeterministic = (expression: string, column: string): boolean =>
  /^anon\.(?:hash|partial|partial_email|pseudo_\w+)\(\$(?:,[^()]*)?\)$/.test(
    generalized(expression, column),
  )

const refused = (rule: MaskingRule, problem: string): AppError =>
  new AppError(
    'invalid_request',
    `masking rule for ${rule.database_name}: ${rule.schema_name}.${rule.table_name}.${rule.column_name} ${problem}`,
  )
