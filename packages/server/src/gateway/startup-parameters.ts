/** What a StartupMessage asks for, checked, and what of it goes on to the compute. */
import { ClientError, sqlstates } from './errors.ts'
import { forwardedOptions } from './route.ts'
import type { StartupMessage } from './wire/startup.ts'

export interface Startup {
  user: string
  database: string
  applicationName: string
  /** As the client has sent them. */
  options: string | undefined
  /** For the compute: everything but what concerns only the gateway. */
  forwarded: Map<string, string>
  /** Where the client wants more than protocol 3.0: the protocol options we do not know. */
  unrecognised: string[] | undefined
}

const protocolOptionPrefix = '_pq_.'
const falsehoods = new Set(['', '0', 'false', 'off', 'no', 'f', 'n'])

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
  refuseReplication(parameters.get('replication'))
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
    forwarded: forwardedParameters(parameters, database),
    unrecognised: minorVersion > 0 || protocolOptions.length > 0 ? protocolOptions : undefined,
  }
}

function forwardedParameters(
  parameters: ReadonlyMap<string, string>,
  database: string,
): Map<string, string> {
  const forwarded = new Map<string, string>()
  for (const [name, value] of parameters) {
    const isOurs = name.startsWith(protocolOptionPrefix) || name === 'replication'
    if (!isOurs && name !== 'options') forwarded.set(name, value)
  }
  forwarded.set('database', database)
  const options = forwardedOptions(parameters.get('options'))
  if (options !== undefined) forwarded.set('options', options)
  return forwarded
}

function refuseReplication(value = ''): void {
  if (falsehoods.has(value.toLowerCase())) return
  throw new ClientError(
    sqlstates.notSupported,
    'replication connections are not supported: connect without the parameter replication',
  )
}
