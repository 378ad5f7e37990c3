import type { Compute } from '../../compute/compute.ts'
import type { SessionDetails, SessionHandle } from '../../compute/sessions.ts'
import { AppError } from '../../lib/errors.ts'
import { renderLsn } from '../../lib/lsn.ts'
import { requireBranchCompute } from '../branch-compute.ts'
import type { Context } from '../context.ts'
import { requireDatabase } from '../databases.ts'
import { type Moment, readMoment } from '../history/moments.ts'
import { requireBranch } from '../lookups.ts'
import { revealPassword } from '../roles.ts'
import type { BranchRow } from '../store/branches.ts'
import { findDatabase } from '../store/databases.ts'
import type { TimeTravel } from '../time-travel.ts'

/** A database of a branch, now or at a moment, and whom to be there. */
export interface DatabasePlace {
  projectId: string
  /** Its id or name. */
  branch: string
  database: string
  /** The database's owner unless given. */
  role?: string | undefined
  timestamp?: string | undefined
  lsn?: string | undefined
  /** Whether it neither wakes the compute nor keeps it awake. Not for a moment of the past. */
  isQuiet?: boolean | undefined
  /** What PostgreSQL and the awake ledger call the client. */
  applicationName: string
}

/** What a client of PostgreSQL needs to connect, and the compute that is kept awake for it. */
export interface ReachedDatabase {
  compute: Compute
  socketDirectory: string
  database: string
  role: string
  password: string
  session: SessionHandle
}

/**
 * Wakes the compute of a database, or makes the moment present, and opens a session there as one of the
 * branch's own roles: what users wrote is never run by the platform's superuser. The caller ends the
 * session. Rejects with AppError: what is not found, `password_not_stored`, `outside_history`,
 * `wake_refused` where who is quiet would have to wake it, and whatever keeps a compute from starting.
 */
export async function reachDatabase(
  context: Context,
  timeTravel: TimeTravel,
  place: DatabasePlace,
): Promise<ReachedDatabase> {
  const moment = readMoment(place)
  if (moment !== undefined && place.isQuiet) {
    throw new AppError(
      'invalid_request',
      'wake: a moment of the past has no compute that sleeps; leave timestamp and lsn out, or wake',
    )
  }
  const branch = await requireBranch(context, place.projectId, place.branch)
  const role = place.role ?? (await ownerOf(context, branch, place.database, moment))
  const password = await revealPassword(context, place.projectId, branch.id, role)
  const details = {
    role,
    database: place.database,
    applicationName: place.applicationName,
    quiet: place.isQuiet === true,
  }
  const { compute, session } = await (moment === undefined
    ? openNow(context, branch, details)
    : openPast(timeTravel, branch, moment, details))
  try {
    const socketDirectory = await compute.socketDirectory()
    return { compute, socketDirectory, database: place.database, role, password, session }
  } catch (error) {
    session.end()
    throw error
  }
}

/**
 * Ends the process that serves a connection to it: PostgreSQL would not notice by itself that nobody waits,
 * and a cancel that comes before the statement has begun is lost. Never rejects.
 */
export async function endBackend(
  { compute }: Pick<ReachedDatabase, 'compute'>,
  pid: number | null,
): Promise<void> {
  if (pid === null) return
  await compute
    .peek(async (sql) => sql`select pg_terminate_backend(${pid})`)
    // A compute that is gone runs nothing.
    .catch(() => undefined)
}

interface OpenedCompute {
  compute: Compute
  session: SessionHandle
}

async function openNow(
  context: Context,
  branch: BranchRow,
  details: SessionDetails,
): Promise<OpenedCompute> {
  const compute = await requireBranchCompute(context, branch)
  await (details.quiet === true ? compute.joinIfAwake() : compute.wake())
  return { compute, session: compute.openSession(details) }
}

async function openPast(
  timeTravel: TimeTravel,
  branch: BranchRow,
  moment: Moment,
  details: SessionDetails,
): Promise<OpenedCompute> {
  const text = moment.kind === 'lsn' ? renderLsn(moment.lsn) : moment.text
  const endpointId = `${branch.id}@${text}`
  const compute = await timeTravel.visit(endpointId)
  await compute.wake()
  return { compute, session: timeTravel.openSession({ ...details, endpointId }) }
}

async function ownerOf(
  context: Context,
  branch: BranchRow,
  database: string,
  moment: Moment | undefined,
): Promise<string> {
  if (moment === undefined) return (await requireDatabase(context, branch, database)).owner_name
  const now = await findDatabase(context.store, branch.id, database)
  if (now !== undefined) return now.owner_name
  throw new AppError(
    'database_not_found',
    `database ${database} is not on branch ${branch.name} any more; name the role to read it with in role_name`,
  )
}
