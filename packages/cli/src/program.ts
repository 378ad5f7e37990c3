import { Command, Option } from 'commander'

import { archiveFormats } from './archive-table/manifest.ts'
import type { Cli, GlobalOptions } from './cli.ts'
import { addAccount } from './commands/account.ts'
import { addApi } from './commands/api.ts'
import { addArchive } from './commands/archive.ts'
import { addBackfill } from './commands/backfill.ts'
import { addBackup, addRestore } from './commands/backup.ts'
import { addBranches } from './commands/branches.ts'
import { addCa } from './commands/ca.ts'
import { addCheckout } from './commands/checkout.ts'
import { addCompletion } from './commands/completion.ts'
import { addComputes } from './commands/computes.ts'
import { addConnectionString, addPsql } from './commands/connection-string.ts'
import { addConsole } from './commands/console.ts'
import { addCost } from './commands/cost.ts'
import { addDatabases } from './commands/databases.ts'
import { addEject } from './commands/eject.ts'
import { addElsewhere, addForeignFlags } from './commands/elsewhere.ts'
import { addEndpoints } from './commands/endpoints.ts'
import { addEnv } from './commands/env.ts'
import { addGateway } from './commands/gateway.ts'
import { addGit } from './commands/git.ts'
import { addInspect } from './commands/inspect.ts'
import { addIpAllow } from './commands/ip-allow.ts'
import { addLink } from './commands/link.ts'
import { addLogs } from './commands/logs.ts'
import { addMasking } from './commands/masking.ts'
import { addMetrics } from './commands/metrics.ts'
import { addMigrate } from './commands/migrate.ts'
import { addOperations } from './commands/operations.ts'
import { addPlatform } from './commands/platform.ts'
import { addPool } from './commands/pool.ts'
import { addPooler } from './commands/pooler.ts'
import { addProjects } from './commands/projects.ts'
import { addRoles } from './commands/roles.ts'
import { addDiff } from './commands/schema-diff.ts'
import { addSetContext } from './commands/set-context.ts'
import { addSnapshots } from './commands/snapshots.ts'
import { addUp } from './commands/up.ts'
import { CliError } from './errors.ts'
import { addExamples, pointToHelp } from './help.ts'
import { defaultWidth, formats, type TerminalStream } from './output.ts'
import { readVersion } from './version.ts'

interface Terminal {
  stdout: TerminalStream
  stderr: TerminalStream
}

const helpMaxWidth = 100
/** Global options that are shown in the help of every command. */
const shownEverywhere = ['--output', '--project-id']

/**
 * Adds every command to a program. The program exists before, because `cli` reads its options, and
 * commands are made by `command()`, because only so they inherit how it writes and ends.
 */
export function addCommands(program: Command, cli: Cli): void {
  program.commandsGroup('The platform on this machine:')
  addUp(program, cli)
  addPlatform(program, cli)
  addConsole(program, cli)
  addCa(program, cli)
  addPool(program, cli)
  addGateway(program, cli)
  addLogs(program, cli)
  addBackup(program, cli)
  addRestore(program, cli)
  addEject(program, cli)
  program.commandsGroup('Projects and branches:')
  addProjects(program, cli)
  addBranches(program, cli)
  addDiff(program, cli)
  addMasking(program, cli)
  addSnapshots(program, cli)
  addEndpoints(program, cli)
  addComputes(program, cli)
  addPooler(program, cli)
  addDatabases(program, cli)
  addRoles(program, cli)
  addOperations(program, cli)
  addIpAllow(program, cli)
  addCost(program, cli)
  program.commandsGroup('Connecting:')
  addConnectionString(program, cli)
  addPsql(program, cli)
  addInspect(program, cli)
  addMetrics(program, cli)
  program.commandsGroup('Schema:')
  addMigrate(program, cli)
  addBackfill(program, cli)
  addArchive(program, cli)
  program.commandsGroup('This directory:')
  addLink(program, cli)
  addCheckout(program, cli)
  addEnv(program, cli)
  addGit(program, cli)
  program.commandsGroup('Account and settings:')
  addAccount(program, cli)
  addApi(program, cli)
  addSetContext(program, cli)
  addCompletion(program, cli)
  addElsewhere(program)
  pointToHelp(program)
}

/** The program with its global options and without commands; it throws where it would exit. */
export function createProgram({ stdout, stderr }: Terminal): Command {
  const widthOf = (stream: TerminalStream) => Math.min(stream.columns || defaultWidth, helpMaxWidth)
  const program: Command = new Command('coppice')
    .description('Coppice: serverless PostgreSQL with branches, on your own machine.')
    .version(readVersion(), '-v, --version', 'Print the version.')
    .helpOption('-h, --help', 'Show this help.')
    .helpCommand('help [command]', 'Show the help of a command.')
    .configureHelp({
      showGlobalOptions: true,
      // The rest stands in the help of `coppice` itself.
      visibleGlobalOptions: (command) =>
        command === program
          ? []
          : program.options.filter((option) => shownEverywhere.includes(option.long ?? '')),
      subcommandTerm: (command) => [command.name(), ...command.aliases()].join(', '),
      // Descriptions name choices and defaults themselves, in words.
      optionDescription: (option) => option.description,
      argumentDescription: (argument) => argument.description,
    })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'ERROR: ')),
      getOutHelpWidth: () => widthOf(stdout),
      getErrHelpWidth: () => widthOf(stderr),
    })
    .exitOverride()
  addGlobalOptions(program)
  addForeignFlags(program)
  return addExamples(program, [
    ['up', 'Start the platform'],
    ['branches create --name feature/new-column', 'Branch the database'],
    ['psql feature/new-column', 'Open a session on the branch'],
  ])
}

function addGlobalOptions(program: Command): void {
  // Taken wherever it stands, so it is read here for the one command that has a --format of its own.
  const format = new Option('--format <format>').choices([...formats, ...archiveFormats]).hideHelp()
  program
    .addOption(
      new Option(
        '-o, --output <format>',
        'Format of the answer: table, json or yaml (also --format).',
      ).choices(formats),
    )
    .addOption(format)
    .option('--project-id <id>', 'Project; the only one unless given.')
    .option('--api-host <url>', 'Address of the API; the platform on this machine unless given.')
    .option('--api-key <key>', 'API key; better in COPPICE_API_KEY.')
    .option('--context-file <file>', 'File that pins a project; .neon upwards from here.')
    .option('--home <directory>', 'State directory of the platform on this machine.')
    .option('--color', 'Colours, whatever the terminal is.')
    .option('--no-color', 'No colours.')
    .option('--debug', 'Show where an error comes from.')
    .hook('preAction', (_, command) => {
      const { format: asked } = program.opts<GlobalOptions>()
      const isOfFiles = archiveFormats.some((known) => known === asked)
      if (!isOfFiles || command.options.some(({ long }) => long === '--format')) return
      throw new CliError(`--format ${asked} is none of ${formats.join(', ')}.`)
    })
}
