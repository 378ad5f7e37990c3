import type { Sql } from '@coppice/migrate/database'

import { isLockFailure, withLockRetries } from '../lock-retries.ts'
import type { TableDefinition } from './definition.ts'

/**
 * Takes a partition out of its table without stopping those who use the others: concurrently where
 * PostgreSQL does that (manual, ALTER TABLE), which is not beside a default partition; else with the
 * session's lock_timeout, again and again.
 */
export async function detachPartition(
  sql: Sql,
  { qualified_name, partition }: TableDefinition,
): Promise<void> {
  if (partition === null) return
  const detach = `alter table ${partition.parent} detach partition ${qualified_name}`
  const concurrently = !(await hasDefault(sql, partition.parent))
  await withLockRetries(`Detaching ${qualified_name}`, async () => {
    if (await isPending(sql, qualified_name)) {
      await sql.unsafe(`${detach} finalize`)
      return
    }
    try {
      await sql.unsafe(concurrently ? `${detach} concurrently` : detach)
    } catch (error) {
      // It may have been half done: the next try ends it.
      if (isLockFailure(error) || !(await isPending(sql, qualified_name))) throw error
      await sql.unsafe(`${detach} finalize`)
    }
  })
}

/** Puts a table back to where it was. */
export async function attachPartition(
  sql: Sql,
  { qualified_name, partition }: TableDefinition,
): Promise<void> {
  if (partition === null) return
  const { parent, bound } = partition
  await withLockRetries(`Attaching ${qualified_name}`, async () => {
    await sql.unsafe(`alter table ${parent} attach partition ${qualified_name} ${bound}`)
  })
}

async function hasDefault(sql: Sql, parent: string): Promise<boolean> {
  const [row] = await sql`
    select partdefid <> 0 as there from pg_partitioned_table
    where partrelid = ${parent}::text::regclass`
  return row?.['there'] === 't'
}

async function isPending(sql: Sql, name: string): Promise<boolean> {
  const [row] = await sql`
    select inhdetachpending as pending from pg_inherits where inhrelid = ${name}::text::regclass`
  return row?.['pending'] === 't'
}
