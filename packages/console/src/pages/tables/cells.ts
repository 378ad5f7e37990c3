import type { ForeignKey, TableColumn } from '../../sql/catalog.ts'
import type { Filter } from '../../sql/filters.ts'
import { cellLength } from '../../sql/select-rows.ts'
import type { Values } from '../../sql/transaction.ts'

/** No cell shows more than fits it. */
const shownLength = 300

/** Whether the value was cut where it was read. */
export const isCut = (column: TableColumn, value: string | null): boolean =>
  column.is_long && value !== null && value.length > cellLength

/** A value on one line. */
export function cellText(column: TableColumn, value: string): string {
  if (column.base_type === 'bool') return value === 't' ? 'true' : 'false'
  const shown = value.length > shownLength ? `${value.slice(0, shownLength)}…` : value
  return shown.replaceAll(/\r?\n|\r/g, '↵ ').replaceAll('\t', '⇥ ')
}

export const isNumber = ({ category }: TableColumn): boolean => category === 'N'

/** Whether it is read more easily in letters of one width. */
export const isCode = ({ base_type, category }: TableColumn): boolean =>
  category === 'A' || ['json', 'jsonb', 'bytea', 'uuid', 'xml'].includes(base_type)

/** How a value is edited. */
export type EditorKind = 'choice' | 'date' | 'text' | 'long'

export function editorOf(column: TableColumn, value: string | null): EditorKind {
  const { base_type, category, labels } = column
  if (base_type === 'bool' || labels !== null) return 'choice'
  // A field for dates knows no `infinity` and no years before Christ.
  if (base_type === 'date' && (value === null || /^\d{4}-\d\d-\d\d$/.test(value))) return 'date'
  const isDocument = isJson(column) || base_type === 'xml' || category === 'A'
  // A field of one line would swallow line breaks.
  const isLong = isDocument || (value !== null && (value.length > 200 || /[\r\n]/.test(value)))
  return isLong ? 'long' : 'text'
}

/** What a text stands for: no number, date or boolean is empty, so an empty field is none. */
export const typedValue = ({ category }: TableColumn, text: string): string | null =>
  text === '' && /[NDTBI]/.test(category) ? null : text

export const isJson = ({ base_type }: TableColumn): boolean => /^jsonb?$/.test(base_type)

/** What can be chosen, as PostgreSQL writes it. */
export const choicesOf = ({ labels }: TableColumn): { value: string; label: string }[] =>
  labels === null
    ? [
        { value: 't', label: 'true' },
        { value: 'f', label: 'false' },
      ]
    : labels.map((label) => ({ value: label, label }))

/** Why PostgreSQL gives the column its value and nobody else. */
export function fixedReason({ generated, identity }: TableColumn): string | undefined {
  if (generated !== null) return `generated: ${generated}`
  return identity === 'a' ? 'identity, always generated' : undefined
}

/** The row that a foreign key of this one points at; undefined where it points at none. */
export function pointedAt(
  { columns, foreign_columns }: ForeignKey,
  values: Values,
): Filter[] | undefined {
  const filters = columns.flatMap((column, at): Filter[] => {
    const value = values[column]
    return typeof value === 'string'
      ? [{ column: foreign_columns[at] ?? '', operator: '=', value }]
      : []
  })
  return filters.length === columns.length ? filters : undefined
}

/** The rows that refer to this one by a foreign key of theirs. */
export const referringTo = (key: ForeignKey, values: Values): Filter[] | undefined =>
  pointedAt({ ...key, columns: key.foreign_columns, foreign_columns: key.columns }, values)

/** Widths of columns by their names and what the first rows hold, in pixels. */
export function columnWidth(
  column: TableColumn,
  rows: readonly { values: Readonly<Record<string, string | null | undefined>> }[],
): number {
  const lengths = rows
    .slice(0, 40)
    .map(({ values }) => (values[column.name] ?? 'NULL').length * (isCode(column) ? 7.8 : 7.7))
  const content = Math.max(0, ...lengths) + 24
  const head = Math.max(column.name.length * 7.4 + 44, column.type.length * 6.2 + 24)
  return Math.round(Math.min(320, Math.max(84, head, content)))
}
