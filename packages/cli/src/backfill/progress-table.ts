import { createHash } from 'node:crypto'

import type { Sql, TransactionSql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import type { Change } from './batch-statement.ts'
import type { Position, Ranges } from './ranges.ts'

/** How far a backfill has come. */
export interface Progress {
  checksum: string
  at: Position | undefined
  rowsVisited: number
  rowsChanged: number
  batches: number
}

/**
 * Of the statement and of what it walks: a table of the same name that was made anew is another.
 * Branches keep it, with the progress that belongs to their data.
 */
export function checksumOf({ relation, set, where }: Change, ranges: Ranges): string {
  const parts = [relation.oid, relation.name, set, where, ranges.identity]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** Makes the table where it is not. */
export async function createProgressTable(sql: Sql): Promise<void> {
  try {
    const [found] = await sql`select to_regclass('coppice.backfills') is not null as there`
    if (found?.['there'] === 't') return
    await sql`create schema if not exists coppice`
    await sql`
      create table if not exists coppice.backfills (
        checksum text primary key,
        table_name text not null,
        statement text not null,
        range_by text not null,
        last_key jsonb,
        rows_visited bigint not null default 0,
        rows_changed bigint not null default 0,
        batches bigint not null default 0,
        started_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        finished_at timestamptz
      )`
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== '42501') throw error
    throw new CliError(`Progress is kept in coppice.backfills, and ${error.message}.`, {
      advice: 'Run it as the owner of the database (--role-name), who may create a schema.',
      cause: error,
    })
  }
}

interface Row {
  last_key: string[] | null
  rows_visited: string
  rows_changed: string
  batches: string
}

/** Where the same backfill was interrupted, else its beginning. */
export async function beginProgress(
  sql: Sql,
  change: Change,
  { columns }: Ranges,
  { checksum, statement }: { checksum: string; statement: string },
): Promise<Progress> {
  const [row] = await sql<Row[]>`
    insert into coppice.backfills as b (checksum, table_name, statement, range_by)
    values (${checksum}, ${change.relation.name}, ${statement}, ${columns.join(', ')})
    on conflict (checksum) do update set
      last_key = case when b.finished_at is null then b.last_key end,
      rows_visited = case when b.finished_at is null then b.rows_visited else 0 end,
      rows_changed = case when b.finished_at is null then b.rows_changed else 0 end,
      batches = case when b.finished_at is null then b.batches else 0 end,
      started_at = case when b.finished_at is null then b.started_at else now() end,
      updated_at = now(),
      finished_at = null
    returning last_key, rows_visited, rows_changed, batches`
  return {
    checksum,
    at: row?.last_key ?? undefined,
    rowsVisited: Number(row?.rows_visited),
    rowsChanged: Number(row?.rows_changed),
    batches: Number(row?.batches),
  }
}

/** Notes a batch, in its own transaction: a key that is written has its rows changed. */
export async function saveProgress(tx: TransactionSql, progress: Progress): Promise<void> {
  const { count } = await tx`
    update coppice.backfills set
      last_key = ${JSON.stringify(progress.at)}::text::jsonb,
      rows_visited = ${progress.rowsVisited}::text::bigint,
      rows_changed = ${progress.rowsChanged}::text::bigint,
      batches = ${progress.batches}::text::bigint,
      updated_at = now()
    where checksum = ${progress.checksum} and batches = ${progress.batches - 1}::text::bigint`
  if (count === 1) return
  throw new CliError('Its row of coppice.backfills was changed by somebody else.', {
    advice: 'The batch was not done. Run the same command again when nobody else does.',
  })
}

/** Ends it: the same command begins anew after this. */
export async function finishProgress(sql: Sql, checksum: string): Promise<void> {
  await sql`update coppice.backfills set finished_at = now() where checksum = ${checksum}`
}

/** How long a run that was just killed may still hold the lock. */
const lockWaitMs = 10_000

/** Keeps a second run of the same backfill out, until the session ends. */
export async function lockBackfill(sql: Sql, checksum: string): Promise<void> {
  const key = BigInt.asIntN(64, BigInt(`0x${checksum.slice(0, 16)}`)).toString()
  try {
    await sql.begin(async (tx) => {
      await tx.unsafe(`set local lock_timeout = ${lockWaitMs}`)
      await tx`select pg_advisory_lock(${key}::text::bigint)`
    })
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== '55P03') throw error
    throw new CliError('The same backfill is running already.', {
      advice: 'Wait for it; how far it is stands in coppice.backfills.',
      cause: error,
    })
  }
}
