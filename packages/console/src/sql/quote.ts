/**
 * Text that goes into SQL. What is a name is always in double quotes and what is a value always in single
 * ones, so neither can end early, whatever it holds (PostgreSQL manual, "Lexical Structure").
 */

/** A name: of a schema, a table, a column. Throws where PostgreSQL can have none of that name. */
export function quoteName(name: string): string {
  if (name === '' || name.includes('\0')) throw new Error('a name in PostgreSQL is not empty')
  return `"${name.replaceAll('"', '""')}"`
}

/** A table with its schema. */
export const quoteTable = ({ schema, name }: TableName): string =>
  `${quoteName(schema)}.${quoteName(name)}`

/** A table, view or anything else that has rows. */
export interface TableName {
  schema: string
  name: string
}

/**
 * A value, or NULL. It has no type of its own and takes that of what it is compared with or assigned to,
 * as PostgreSQL does with such literals; so `varchar(2)` refuses three letters, which a cast would cut.
 * The E form is read the same whether `standard_conforming_strings` is on or off.
 */
export function quoteValue(value: string | null): string {
  if (value === null) return 'NULL'
  if (value.includes('\0')) throw new Error('PostgreSQL keeps no text with a zero byte in it')
  const doubled = value.replaceAll("'", "''")
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`
}

/** A text as it stands in a LIKE pattern. */
export const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`)

/** A text as a comment to the end of the line: it has no lines of its own. */
export const quoteComment = (text: string): string => `-- ${text.replaceAll(/[\r\n]+/g, ' ')}`
