import type { AppliedMigration, MigrationLedger, RestorePoint } from '@coppice/api'

import type { Database } from './database.ts'
import { hasLedger, lastRestorePoint, type RestorePointRow } from './ledger.ts'
import { openSession, readingSession, type Session } from './session.ts'

/** As many as a page can show and a person read. */
const shownMax = 1000

/** What has been applied to a database, and where undo would go back to. Nothing is changed. */
export async function readApplied(database: Database): Promise<MigrationLedger> {
  return openSession(database, readingSession, async (session) => {
    if (!(await hasLedger(session))) return { migrations: [], restore_point: null }
    const point = await lastRestorePoint(session)
    return {
      migrations: await readMigrations(session),
      restore_point: point ? presentRestorePoint(point) : null,
    }
  })
}

/** Without what only counting the loss needs. */
export function presentRestorePoint(point: RestorePointRow): RestorePoint {
  const { id, taken_at, lsn, snapshot_id, expires_at } = point
  return { id, taken_at, lsn, snapshot_id, expires_at }
}

async function readMigrations({ sql }: Session): Promise<AppliedMigration[]> {
  const rows = await sql<PrintedMigration[]>`
    select name, checksum, applied_by, duration_ms, statements, statements_done, restore_point_id,
      to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as started_at,
      to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as applied_at
    from coppice.migrations m order by m.started_at desc, name desc limit ${shownMax}`
  return rows.map((row) => ({
    ...row,
    duration_ms: row.duration_ms === null ? null : Number(row.duration_ms),
    statements: Number(row.statements),
    statements_done: Number(row.statements_done),
  }))
}

/** Every value is text here. */
interface PrintedMigration extends Omit<
  AppliedMigration,
  'duration_ms' | 'statements' | 'statements_done'
> {
  duration_ms: string | null
  statements: string
  statements_done: string
}
