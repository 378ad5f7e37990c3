import type { Database } from './database.ts'
import { readLedger } from './ledger.ts'
import type { Migration } from './migration.ts'
import { compareWithLedger, type Standing, type State } from './plan.ts'
import { openSession, readingSession } from './session.ts'
import { readToolHistory } from './tool-ledgers.ts'

/** A line of `migrate status`. */
export interface StatusRow {
  name: string
  state: State
  statements: number
  statements_done: number
  applied_at: string | null
  applied_by: string | null
  duration_ms: number | null
  checksum: string
}

/** What the ledger of a database says of files. Nothing is changed. */
export async function readStatus(
  database: Database,
  migrations: readonly Migration[],
): Promise<StatusRow[]> {
  return openSession(database, readingSession, async (session) => {
    const tools = await readToolHistory(session)
    const standings = compareWithLedger(migrations, await readLedger(session), tools)
    return standings.map((standing) => rowOf(standing))
  })
}

function rowOf({ name, state, migration, entry, tool }: Standing): StatusRow {
  const statements = migration?.statements.length ?? Number(entry?.statements ?? 0)
  return {
    name,
    state,
    statements,
    statements_done: tool === undefined ? Number(entry?.statements_done ?? 0) : statements,
    applied_at: entry?.applied_at ?? null,
    applied_by: tool ?? entry?.applied_by ?? null,
    duration_ms: entry?.duration_ms ? Number(entry.duration_ms) : null,
    checksum: migration?.checksum ?? entry?.checksum ?? '',
  }
}
