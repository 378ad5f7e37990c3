import { AdvisedError } from '@coppice/migrate/advised-error'
import { type Database, sessionOptions, type SessionSettings } from '@coppice/migrate/database'
import postgres from 'postgres'

import { postgresPort } from '../../compute/settings.ts'
import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import {
  type DatabasePlace,
  endBackend,
  type ReachedDatabase,
  reachDatabase,
} from '../query/reach-database.ts'
import type { TimeTravel } from '../time-travel.ts'

/** Over a local socket, to a server that accepts connections; more means that something is wrong. */
const connectTimeoutSeconds = 10
const endTimeoutSeconds = 5

/**
 * A database of a branch over the private socket of its compute, as one of the branch's own roles. When
 * `signal` is aborted, what runs there is ended.
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
      let leave = (): void => undefined
      try {
        const [self] = await sql<{ pid: number }[]>`select pg_catalog.pg_backend_pid() as pid`
        const pid = Number(self?.pid)
        reached.session.setBackend(pid)
        leave = () => void endBackend(reached, pid)
        signal.addEventListener('abort', leave, { once: true })
        signal.throwIfAborted()
        return await work(sql)
      } catch (error) {
        throw explain(error, place.database)
      } finally {
        signal.removeEventListener('abort', leave)
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

function explain(error: unknown, database: string): unknown {
  if (error instanceof AdvisedError || error instanceof AppError || !(error instanceof Error)) {
    return error
  }
  const refused = error.name === 'PostgresError' ? 'PostgreSQL refused' : 'Lost the connection'
  return new AdvisedError(`${refused}, in database ${database}: ${error.message}`, { cause: error })
}
