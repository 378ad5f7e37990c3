import type { TableName } from '../../sql/quote.ts'

/** A name with a schema, as it stands in SQL. */
const part = String.raw`(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))`
const qualifiedName = new RegExp(String.raw`${part}\.${part}`, 'u')

/**
 * What a schema's script says of one table: those of its parts whose first name is the table's. So an index
 * or a trigger is in it, and a view of the table or a key that refers to it is not.
 */
export function statementsOf(script: string, table: TableName): string {
  const parts = script.split(/^--\n-- .*\n--\n/m)
  // Privileges of all tables are one part, with a line for each.
  const lines = parts.flatMap((text) =>
    /^(GRANT|REVOKE) /.test(text.trim()) ? text.split('\n') : [text],
  )
  return lines
    .filter((text) => isAbout(text, table))
    .map((text) => text.trim())
    .join('\n\n')
}

function isAbout(text: string, { schema, name }: TableName): boolean {
  const [, quotedSchema, plainSchema, quotedName, plainName] = qualifiedName.exec(text) ?? []
  return unquote(quotedSchema, plainSchema) === schema && unquote(quotedName, plainName) === name
}

const unquote = (quoted: string | undefined, plain: string | undefined): string | undefined =>
  quoted === undefined ? plain : quoted.replaceAll('""', '"')
