import { spawn } from 'node:child_process'
import { constants } from 'node:os'

import type { Cli } from './cli.ts'
import type { Environment } from './config.ts'
import { parseConnectionUri } from './connection-uri.ts'
import { CliError } from './errors.ts'
import { errnoOf } from './platform.ts'

/** The variable of libpq for each parameter of a connection string (PostgreSQL manual, 34.15). */
const variables: Readonly<Record<string, string | undefined>> = {
  options: 'PGOPTIONS',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslnegotiation: 'PGSSLNEGOTIATION',
  channel_binding: 'PGCHANNELBINDING',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  application_name: 'PGAPPNAME',
}

/** Variables of the caller that would lead the connection elsewhere or change how it is secured. */
const misleading = [
  'PGHOST',
  'PGHOSTADDR',
  'PGPORT',
  'PGUSER',
  'PGPASSWORD',
  'PGPASSFILE',
  'PGDATABASE',
  'PGSERVICE',
  'PGREQUIREAUTH',
  'PGREQUIRESSL',
  'PGSSLCERT',
  'PGSSLKEY',
  'PGTARGETSESSIONATTRS',
  ...Object.values(variables).filter((name) => name !== 'PGAPPNAME'),
]

/** How shells report an end by signal. */
const signalExitBase = 128

/**
 * Runs the system's psql on the caller's terminal and answers its exit code. The connection goes by
 * environment: what stands in arguments every user of the machine can read.
 */
export async function runPsql(cli: Cli, uri: string): Promise<number> {
  const environment = psqlEnvironment(cli.config.environment, uri)
  // Ctrl-C is psql's to handle: it cancels the query there and must not end us.
  const ignore = () => undefined
  process.on('SIGINT', ignore)
  try {
    return await runOnTerminal('psql', cli.passthrough, environment, cli.config.cwd)
  } finally {
    process.off('SIGINT', ignore)
  }
}

/** The caller's environment with libpq's variables set to what a connection string says. */
export function psqlEnvironment(environment: Environment, uri: string): Environment {
  const { host, port, role, password, database, parameters } = parseConnectionUri(uri)
  const kept = Object.entries(environment).filter(([name]) => !misleading.includes(name))
  const connection: Environment = {
    PGHOST: host,
    ...(port !== undefined && { PGPORT: port }),
    PGUSER: role,
    PGPASSWORD: password,
    PGDATABASE: database,
  }
  for (const [key, value] of parameters) {
    const name = variables[key]
    if (name !== undefined) connection[name] = value
  }
  return { ...Object.fromEntries(kept), ...connection }
}

async function runOnTerminal(
  file: string,
  args: readonly string[],
  environment: Environment,
  cwd: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit', env: environment, cwd })
    child.once('error', (error) => reject(explain(error)))
    child.once('exit', (code, signal) =>
      resolve(code ?? signalExitBase + (signal ? constants.signals[signal] : 0)),
    )
  })
}

function explain(error: Error): CliError {
  if (errnoOf(error) !== 'ENOENT') return new CliError('psql could not be run.', { cause: error })
  return new CliError('psql is not installed here, or not in PATH.', {
    advice:
      'Install it with `apt-get install postgresql-client`, `dnf install postgresql` or\n' +
      '`brew install libpq`; or connect another program with `coppice connection-string`.',
    cause: error,
  })
}
