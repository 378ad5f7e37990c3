import type { EndpointType } from '@coppice/api'
import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { parseConnectionUri, queryOf } from '../connection-uri.ts'
import { type ConnectionChoice, getConnectionUri, type SslMode, sslModes } from '../connection.ts'
import { addExamples } from '../help.ts'
import { runPsql } from '../psql.ts'
import { renderDetails } from '../table.ts'

interface ConnectionFlags extends BranchFlags {
  roleName?: string
  databaseName?: string
  endpointType?: EndpointType
  pooled?: boolean
  prisma?: boolean
  ssl?: SslMode
}

/** `connection-string` and `psql`. */
export function addConnectionString(program: Command, cli: Cli): void {
  const command = program
    .command('connection-string')
    .alias('cs')
    .description('Print the connection string of a branch.')
  addConnectionFlags(command)
    .option('--prisma', 'With the parameters that Prisma wants.')
    .option('--extended', 'Its parts as well: host, role, password, database.')
    .option('--psql', 'Connect with psql instead; arguments for psql go after --.')
  addExamples(command, [
    ['connection-string', 'The default branch'],
    ['cs feature/new-column --pooled', 'A branch, through the pooler'],
    ['cs main --database-name shop --ssl verify-full', 'One database, certificate verified'],
    ['cs main@2030-01-31T12:00:00Z', 'The branch as it was then, to read'],
  ]).action(
    async (
      positional: string | undefined,
      flags: ConnectionFlags & { extended?: boolean; psql?: boolean },
    ) => {
      const uri = await getConnectionUri(cli, choiceOf(positional, flags))
      if (flags.psql) cli.result.exitCode = await runPsql(cli, uri)
      else if (flags.extended) await printParts(cli, uri)
      else cli.output.line(uri)
    },
  )
}

/** `psql`: the system's, connected. */
export function addPsql(program: Command, cli: Cli): void {
  const command = program
    .command('psql')
    .usage('[options] [branch] [-- psql arguments]')
    .description('Connect to a branch with psql.')
  addExamples(addConnectionFlags(command), [
    ['psql', 'The default branch'],
    ['psql feature/new-column -- -c "SELECT version()"', 'One query'],
    ['psql main -- -f migrations/001.sql', 'A file'],
    ['psql main@0/16B3748', 'The branch as it was at an LSN, to read'],
  ]).action(async (positional: string | undefined, flags: ConnectionFlags) => {
    const uri = await getConnectionUri(cli, choiceOf(positional, flags))
    cli.result.exitCode = await runPsql(cli, uri)
  })
}

function addConnectionFlags(command: Command): Command {
  command.argument(
    '[branch]',
    'Branch, by name or id, the default one unless given; with @time or @LSN, as it was then.',
  )
  return addBranchFlags(command, { takesName: true })
    .option('--role-name <role>', 'Role; the only one unless given.')
    .option('--database-name <database>', 'Database; the only one unless given.')
    .option('--pooled', 'Through the pooler, for many short connections.')
    .addOption(
      new Option(
        '--endpoint-type <type>',
        'Kind of compute: read_write, where there is one, or read_only.',
      ).choices(['read_write', 'read_only']),
    )
    .addOption(
      new Option(
        '--ssl <mode>',
        'How TLS is checked: require, verify-ca, verify-full; or omit.',
      ).choices(sslModes),
    )
}

function choiceOf(positional: string | undefined, flags: ConnectionFlags): ConnectionChoice {
  return {
    branch: chooseBranch({ positional, flags }),
    roleName: flags.roleName,
    databaseName: flags.databaseName,
    endpointType: flags.endpointType,
    pooled: flags.pooled ?? false,
    prisma: flags.prisma ?? false,
    ssl: flags.ssl,
  }
}

async function printParts(cli: Cli, uri: string): Promise<void> {
  const { host, port, role, password, database } = parseConnectionUri(uri)
  const parts = {
    connection_string: uri,
    host: port === undefined ? host : `${host}:${port}`,
    role,
    password,
    database,
    options: queryOf(uri),
  }
  await cli.output.answer(parts, () =>
    renderDetails([
      ['Host', parts.host],
      ['Role', parts.role],
      ['Password', parts.password],
      ['Database', parts.database],
      ['Options', parts.options],
      ['String', uri],
    ]),
  )
}
