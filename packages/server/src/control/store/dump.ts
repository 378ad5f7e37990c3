import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { type Queryable, schemaTable } from './store.ts'

/**
 * The rows of the store as files, one for each table, in the text format of COPY: whichever PostgreSQL
 * has written them, any later one reads them, and a table's columns are named, so that they are loaded
 * into the schema that they were written from and migrated from there.
 */
export interface StoreDump {
  /** Of the schema: the number of its last migration. */
  schema_version: number
  /** Those that others refer to come before those. */
  tables: DumpedTable[]
}

interface DumpedTable {
  name: string
  columns: string[]
}

const headName = 'store.json'

/** Writes them to a directory. `sql` is a transaction, which sees one moment. */
export async function dumpTables(sql: Queryable, directory: string): Promise<StoreDump> {
  const tables = await listTables(sql)
  for (const { name, columns } of tables) {
    const rows = await sql`copy ${sql(name)} (${sql(columns)}) to stdout`.readable()
    await pipeline(rows, createWriteStream(join(directory, fileName(name)), { mode: 0o600 }))
  }
  const [row] = await sql<{ version: number }[]>`
    select max(version)::integer as version from ${sql(schemaTable)}`
  const dump = { schema_version: row?.version ?? 0, tables }
  await writeFile(join(directory, headName), JSON.stringify(dump), { mode: 0o600 })
  return dump
}

export async function readDump(directory: string): Promise<StoreDump> {
  return JSON.parse(await readFile(join(directory, headName), 'utf8')) as StoreDump
}

/** Fills a store whose schema is that of the dump; what migrations have put into it goes. */
export async function loadTables(
  sql: Queryable,
  directory: string,
  { tables }: StoreDump,
): Promise<void> {
  await sql`truncate ${sql(tables.map(({ name }) => name))}`
  for (const { name, columns } of tables) {
    const rows = await sql`copy ${sql(name)} (${sql(columns)}) from stdin`.writable()
    await pipeline(createReadStream(join(directory, fileName(name))), rows)
  }
  await advanceSequences(sql)
}

const fileName = (table: string): string => `${table}.copy`

async function listTables(sql: Queryable): Promise<DumpedTable[]> {
  const tables = await sql<(DumpedTable & { refers_to: string[] })[]>`
    select c.relname as name,
      array(
        select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum) as columns,
      array(
        select distinct r.relname::text from pg_constraint k join pg_class r on r.oid = k.confrelid
        where k.conrelid = c.oid and k.contype = 'f' and r.oid <> c.oid) as refers_to
    from pg_class c
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
      and c.relname <> ${schemaTable}
    order by c.relname`
  const ordered: DumpedTable[] = []
  let left = [...tables]
  while (left.length > 0) {
    const waiting = new Set(left.map(({ name }) => name))
    const next = left.filter(({ refers_to: others }) => others.every((one) => !waiting.has(one)))
    if (next.length === 0) throw new Error('tables of the store refer to each other in a circle')
    ordered.push(...next.map(({ name, columns }) => ({ name, columns })))
    left = left.filter((one) => !next.includes(one))
  }
  return ordered
}

async function advanceSequences(sql: Queryable): Promise<void> {
  const columns = await sql<{ table: string; column: string; sequence: string }[]>`
    select c.relname as table, a.attname as column,
      pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and a.attnum > 0
      and pg_get_serial_sequence(quote_ident(c.relname), a.attname) is not null`
  for (const { table, column, sequence } of columns) {
    await sql`
      select setval(${sequence}::regclass, max(${sql(column)})) from ${sql(table)}
      having max(${sql(column)}) is not null`
  }
}
