import { type Diagnostic, diagnosticMark as mark, findExtension } from '@coppice/api/client'
import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import { openSql } from '../sql-connection.ts'

/** Values as PostgreSQL prints them. */
export type Row = Record<string, string | null>

/** Rows with the names of their columns, which there are even where there are no rows. */
export interface Answer {
  columns: string[]
  rows: Row[]
}

/** Asks one database. It is only read: the session is read-only. */
export async function ask(uri: string, diagnostic: Diagnostic): Promise<Answer> {
  return openSql(uri, async (sql) => {
    if (diagnostic.extension !== undefined) await requireExtension(sql, diagnostic.extension)
    const rows = await sql.unsafe<Row[]>(`${diagnostic.sql.trim()} ${mark}`)
    return { columns: rows.columns.map((column) => column.name), rows: [...rows] }
  })
}

/** Puts the schema of an extension on the search path; rejects where the database has it not. */
async function requireExtension(sql: Sql, name: string): Promise<void> {
  const [found] = await sql.unsafe(findExtension(name))
  if (found) return
  const [database] = await sql<Array<{ name: string }>>`select current_database() as name`
  throw new CliError(`Database ${database?.name} does not have the extension ${name}.`, {
    advice:
      `Run this in it: CREATE EXTENSION ${name};\n` +
      'The server must preload it as well; Coppice does.',
  })
}
