import { quoteComment, quoteName, quoteTable, quoteValue, type TableName } from './quote.ts'

/** Values by column, as PostgreSQL writes them. */
export type Values = Readonly<Record<string, string | null>>

/** Which row, as it was read: its key, and `xmin`, which is another one as soon as anybody writes it. */
export interface RowVersion {
  key: Readonly<Record<string, string>>
  xmin: string
}

/** A change of one row that is not made yet. */
export type Change = { id: string; table: TableName } & (
  | { kind: 'update'; row: RowVersion; before: Values; values: Values }
  | { kind: 'delete'; row: RowVersion; before: Values }
  /** A column that is not in it gets its default. */
  | { kind: 'insert'; values: Values }
)

/**
 * What PostgreSQL says of a change that has not found its row as it was read: its statement divides by
 * zero then, which undoes the transaction. Plain SQL has no other way to fail (SQLSTATE 22012).
 */
export const divisionByZero = '22012'

/** The change as one statement, without a semicolon. */
export function renderChange(change: Change): string {
  const table = quoteTable(change.table)
  switch (change.kind) {
    case 'insert':
      return renderInsert(table, change.values)
    case 'update':
      return exactlyOne(
        `UPDATE ${table}\n  SET ${assignments(change.values)}\n  WHERE ${renderRow(change.row)}`,
      )
    case 'delete':
      return exactlyOne(`DELETE FROM ${table}\n  WHERE ${renderRow(change.row)}`)
  }
}

/** All of them or none: statement 0 begins, statement n is change n - 1, the last one commits. */
export const transactionStatements = (changes: readonly Change[]): string[] => [
  'BEGIN',
  ...changes.map((change) => `${quoteComment(nameChange(change))}\n${renderChange(change)}`),
  'COMMIT',
]

export const renderTransaction = (changes: readonly Change[]): string =>
  `${transactionStatements(changes).join(';\n\n')};\n`

/** `Update public.film 12`: what it does, for people. */
export function nameChange(change: Change): string {
  const { kind, table } = change
  const verb = { update: 'Update', insert: 'Insert into', delete: 'Delete from' }[kind]
  const row = kind === 'insert' ? [] : Object.values(change.row.key)
  return [verb, `${table.schema}.${table.name}`, row.join(', ')].filter(Boolean).join(' ')
}

/** The condition that a row has this key. */
export const renderKey = (key: RowVersion['key']): string =>
  Object.entries(key)
    .map(([column, value]) => `${quoteName(column)} = ${quoteValue(value)}`)
    .join(' AND ')

const renderRow = ({ key, xmin }: RowVersion): string =>
  `${renderKey(key)} AND xmin = ${quoteValue(xmin)}`

const assignments = (values: Values): string =>
  Object.entries(values)
    .map(([column, value]) => `${quoteName(column)} = ${quoteValue(value)}`)
    .join(',\n      ')

function renderInsert(table: string, values: Values): string {
  const columns = Object.keys(values)
  if (columns.length === 0) return `INSERT INTO ${table} DEFAULT VALUES`
  const list = columns.map(quoteName).join(', ')
  return `INSERT INTO ${table} (${list})\nVALUES (${Object.values(values).map(quoteValue).join(', ')})`
}

const exactlyOne = (statement: string): string =>
  `WITH change AS (\n  ${statement}\n  RETURNING 1\n)\nSELECT 1 / (count(*) = 1)::int AS one_row FROM change`
