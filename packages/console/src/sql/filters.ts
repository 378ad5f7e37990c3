import { escapeLike, quoteName, quoteValue } from './quote.ts'

/** What a condition can ask of a column, and how it is said. */
export const operators = {
  '=': 'is',
  '<>': 'is not',
  '<': 'less than',
  '<=': 'at most',
  '>': 'more than',
  '>=': 'at least',
  contains: 'contains',
  matches: 'matches (regex)',
  in: 'is one of',
  null: 'is NULL',
  'not null': 'is not NULL',
} as const
export type Operator = keyof typeof operators

export interface Filter {
  column: string
  operator: Operator
  /** Of `in`, values with commas between, in double quotes where they hold one; of `null` none. */
  value: string
}

/** Whether it asks for a value. */
export const takesValue = (operator: Operator): boolean => !operator.endsWith('null')

/** The condition as SQL. */
export function renderFilter({ column, operator, value }: Filter): string {
  const name = quoteName(column)
  switch (operator) {
    case 'contains':
      return `${name}::text ILIKE ${quoteValue(`%${escapeLike(value)}%`)}`
    case 'matches':
      return `${name}::text ~ ${quoteValue(value)}`
    case 'in':
      return `${name} IN (${splitList(value).map(quoteValue).join(', ')})`
    case 'null':
      return `${name} IS NULL`
    case 'not null':
      return `${name} IS NOT NULL`
    case '=':
    case '<>':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return `${name} ${operator} ${quoteValue(value)}`
  }
}

/** Values with commas between them; one in double quotes may hold commas, and a double quote twice. */
export function splitList(text: string): string[] {
  const items = [...text.matchAll(/\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(?:,|$)/gy)]
  const values = items.map(([, quoted, plain = '']) =>
    quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'),
  )
  // The end of the text matches once more as nothing.
  return values.length > 1 && !text.trimEnd().endsWith(',') ? values.slice(0, -1) : values
}

/** Conditions as they stand in an address. */
export const renderFilters = (filters: readonly Filter[]): string =>
  JSON.stringify(filters.map(({ column, operator, value }) => [column, operator, value]))

/** Conditions of an address; what cannot be read is left out. */
export function parseFilters(text: string | null): Filter[] {
  let found: unknown
  try {
    found = JSON.parse(text ?? '[]')
  } catch {
    // Not JSON: somebody has cut the address.
    return []
  }
  return Array.isArray(found) ? found.flatMap(readFilter) : []
}

function readFilter(item: unknown): Filter[] {
  if (!Array.isArray(item)) return []
  const [column, operator, value] = item as unknown[]
  const isFilter =
    typeof column === 'string' && column !== '' && typeof value === 'string' && isOperator(operator)
  return isFilter ? [{ column, operator, value }] : []
}

const isOperator = (operator: unknown): operator is Operator =>
  typeof operator === 'string' && Object.hasOwn(operators, operator)
