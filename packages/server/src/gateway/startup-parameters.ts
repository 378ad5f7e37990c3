/** What a StartupMessage asks for, checked, and what of it goes on to the compute. */
import { ClientError, sqlstates } from './errors.ts'
import { physicalReplicationRefused } from './replication.ts'
import { forwardedOptions } from './route.ts'
import { isWakeParameter, readsQuiet } from './wake-option.ts'
import type { StartupMessage } from './wire/startup.ts'

export interface Startup {
  user: string
  database: string
  applicationName: string
  /** As the client has sent them. */
  options: string | undefined
  /** Whether the connection is for logical replication (`replication=database`). */
  replication: boolean
  /** Whether the client asks neither to wake the compute nor to keep it awake. */
  quiet: boolean
  /** For the compute: everything but what concerns only the gateway. */
  forwarded: Map<string, string>
  /** Where the client wants more than protocol 3.0: the protocol options we do not know. */
  unrecognised: string[] | undefined
}

const protocolOptionPrefix = '_pq_.'
const falsehoods = new Set(['', '0', 'false', 'off', 'no', 'f', 'n'])
const truths = new Set(['1', 'true', 'on', 'yes', 't', 'y'])

/** Throws ClientError for a protocol, a mode or a lack of a user that cannot be served. */
export function readStartup({ majorVersion, minorVersion, parameters }: StartupMessage): Startup {
  if (majorVersion !== 3) {
    throw new ClientError(
      sqlstates.notSupported,
      `unsupported frontend protocol ${majorVersion}.${minorVersion}: this server speaks 3.0`,
    )
  }
  const user = parameters.get('user')
  if (!user) {
    throw new ClientError(sqlstates.internal, "Parameter 'user' is missing in startup packet.")
  }
  const replication = readReplication(parameters.get('replication'))
  const protocolOptions = [...parameters.keys()].filter((name) =>
    name.startsWith(protocolOptionPrefix),
  )
  const database = parameters.get('database') || user
  const options = parameters.get('options')
  return {
    user,
    database,
    applicationName: parameters.get('application_name') ?? '',
    options,
    replication,
    quiet: readsQuiet(parameters),
    forwarded: forwardedParameters(parameters, database, replication),
    unrecognised: minorVersion > 0 || protocolOptions.length > 0 ? protocolOptions : undefined,
  }
}

function forwardedParameters(
  parameters: ReadonlyMap<string, string>,
  database: string,
  replication: boolean,
): Map<string, string> {
  const forwarded = new Map<string, string>()
  for (const [name, value] of parameters) {
    const isOurs =
      name.startsWith(protocolOptionPrefix) || name === 'replication' || isWakeParameter(name)
    if (!isOurs && name !== 'options') forwarded.set(name, value)
  }
  forwarded.set('database', database)
  if (replication) forwarded.set('replication', 'database')
  const options = forwardedOptions(parameters.get('options'))
  if (options !== undefined) forwarded.set('options', options)
  return forwarded
}

/** As PostgreSQL reads it (`ProcessStartupPacket`): a boolean for physical replication, or `database`. */
function readReplication(value = ''): boolean {
  const folded = value.toLowerCase()
  if (value === 'database') return true
  if (falsehoods.has(folded)) return false
  if (truths.has(folded)) throw physicalReplicationRefused()
  throw new ClientError(
    sqlstates.notSupported,
    `invalid value for parameter "replication": "${value}"; logical replication is "database"`,
  )
}
