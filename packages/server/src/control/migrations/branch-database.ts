import { AdvisedError } from '@coppice/migrate/advised-error'
import { type Database, sessionOptions, type SessionSettings } from '@coppice/migrate/database'
import postgres from 'postgres'

import { postgresPort } from '../../compute/settings.ts'
import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { type DatabasePlace, type ReachedDatabase, reachDatabase } from '../query/reach-database.ts'
import type { TimeTravel } from '../time-travel.ts'

/** Over a local socket, to a server that accepts connections; more means that something is wrong. */
const connectTimeoutSeconds = 10
const endTimeoutSeconds = 5

/**
 * A database of a branch over the private socket of its compute, as one of the branch's own roles. When
 * `signal` is aborted, what runs there is ended: PostgreSQL would not notice by itself that nobody waits.
 */
export function branchDatabase(
  context: Context,
  timeTravel: TimeTravel,
  place: Omit<DatabasePlace, 'applicationName'>,
  signal: AbortSignal,
): Database {
  return {
    name: place.database,
    async open(work, settings, onClose = () => undefined) {
      signal.throwIfAborted()
      const applicationName = String(settings['application_name'])
      const reached = await reachDatabase(context, timeTravel, { ...place, applicationName })
      const sql = connect(reached, settings, onClose)
      let endBackend = (): void => undefined
      try {
        const [self] = await sql<{ pid: string }[]>`select pg_backend_pid() as pid`
        reached.session.setBackend(Number(self?.pid))
        endBackend = () => void terminate(reached, self?.pid ?? '')
        signal.addEventListener('abort', endBackend, { once: true })
        signal.throwIfAborted()
        return await work(sql)
      } catch (error) {
        throw explain(error, place.database)
      } finally {
        signal.removeEventListener('abort', endBackend)
        await sql.end({ timeout: signal.aborted ? 0 : endTimeoutSeconds })
        reached.session.end()
      }
    },
  }
}

function connect(
  { socketDirectory, database, role, password }: ReachedDatabase,
  settings: SessionSettings,
  onClose: () => void,
) {
  return postgres({
    ...sessionOptions(settings),
    path: `${socketDirectory}/.s.PGSQL.${postgresPort}`,
    database,
    user: role,
    password,
    ssl: false,
    connect_timeout: connectTimeoutSeconds,
    onclose: onClose,
  })
}

/** As the role itself, which may end its own sessions and no others. Its branch may be gone already. */
async function terminate(reached: ReachedDatabase, pid: string): Promise<void> {
  const sql = connect(reached, {}, () => undefined)
  try {
    await sql`select pg_terminate_backend(${pid}::text::int)`
    await sql.end({ timeout: endTimeoutSeconds })
  } catch {
    // What it would have ended has ended with its PostgreSQL.
  }
}

function explain(error: unknown, database: string): unknown {
  if (error instanceof AdvisedError || error instanceof AppError || !(error instanceof Error)) {
    return error
  }
  const refused = error.name === 'PostgresError' ? 'PostgreSQL refused' : 'Lost the connection'
  return new AdvisedError(`${refused}, in database ${database}: ${error.message}`, { cause: error })
}
