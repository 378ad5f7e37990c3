import { AdvisedError } from './advised-error.ts'
import type { Database, SessionSettings, Sql } from './database.ts'

/** A session that changes things. It ends with its connection: what it held must not be taken for held. */
export interface Session {
  sql: Sql
  /** Its process in PostgreSQL. */
  pid: string
  /** Runs one statement; answers its command and the rows that it touched. */
  run(statement: string): Promise<Outcome>
}

export interface Outcome {
  command: string
  rows: number | undefined
}

interface Limits {
  lockTimeoutMs: number
  /** 0: none. */
  statementTimeoutMs: number
}

/** How PostgreSQL names our sessions to those who ask who is there. */
export const applicationName = 'coppice migrate'

/** Settings of a session that migrates. */
export function migratingSession({ lockTimeoutMs, statementTimeoutMs }: Limits): SessionSettings {
  return {
    application_name: applicationName,
    lock_timeout: lockTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 0,
  }
}

/** Settings of a session that looks at what has been migrated. */
export const readingSession: SessionSettings = {
  application_name: applicationName,
  default_transaction_read_only: true,
  statement_timeout: 60_000,
}

/** Runs `work` on a session of its own. */
export async function openSession<T>(
  database: Database,
  settings: SessionSettings,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  let isLost = false
  return database.open(
    async (sql) => {
      const [self] = await sql<Array<{ pid: string }>>`select pg_backend_pid() as pid`
      const session: Session = {
        get sql() {
          // A new one would run outside of the transaction, and without the locks, of the old.
          if (isLost) throw new AdvisedError('The connection to PostgreSQL was lost.')
          return sql
        },
        pid: self?.pid ?? '',
        async run(statement) {
          const result = await session.sql.unsafe(statement)
          return { command: result.command, rows: result.count ?? undefined }
        },
      }
      return work(session)
    },
    settings,
    () => {
      isLost = true
    },
  )
}

/** Runs `work` in a transaction, which is rolled back where it fails. */
export async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.run('begin')
  try {
    const result = await work()
    await session.run('commit')
    return result
  } catch (error) {
    // A session that is lost has rolled back already; why it failed is what has to be told.
    await session.run('rollback').catch(() => undefined)
    throw error
  }
}

/** The SQLSTATE of an error of PostgreSQL's. */
export function stateOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return stateOf(error.cause)
}
