import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { type Command, Option } from 'commander'

import { type Cli, homeOf } from '../cli.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { followFile, tailFile } from '../log-file.ts'
import { parseCount } from '../parse.ts'
import { errnoOf, findPlatform } from '../platform.ts'
import { mentions, renderLogLine } from '../views/log-line.ts'
import { addLogQuery } from './logs-query.ts'

interface LogFlags {
  follow?: boolean
  lines: number
}

/** Which file to read, and which of its lines. */
interface Source {
  path: string
  isShown: (line: string) => boolean
}

const defaultLines = 50
const mainLog = 'daemon'
/** How many lines of the platform's own log are searched for those about one thing. */
const linesSearched = 20_000

/** `logs`: what the platform on this machine has written. */
export function addLogs(program: Command, cli: Cli): void {
  const command = program
    .command('logs')
    .description('Show what the platform on this machine has logged.')
    .argument('[component]', 'A component, or an endpoint by id; everything unless given.')
    .option('-f, --follow', 'Wait for more.')
    .addOption(
      new Option('-n, --lines <count>', 'How many lines to begin with: 50 unless given.')
        .argParser(parseCount)
        .default(defaultLines),
    )
  addLogQuery(command, cli)
  addExamples(command, [
    ['logs -f', 'Watch the platform'],
    ['logs -n 200 ep-quiet-sea-12345678', 'What happened to a compute'],
    ['logs -o json', 'As it is written, for other programs'],
    ['logs query --branch main --since 30m', "What a branch's PostgreSQL has logged"],
  ]).action(async (component: string | undefined, flags: LogFlags) => {
    const source = await findSource(cli, component)
    const print = (line: string) => cli.output.line(renderLogLine(line, cli.output))
    for (const line of await lastLines(source, flags.lines)) print(line)
    if (!flags.follow) return
    for await (const line of followFile(source.path)) {
      if (source.isShown(line)) print(line)
    }
  })
}

async function lastLines(source: Source, count: number): Promise<string[]> {
  const lines = await tailFile(source.path, linesSearched)
  return lines.filter(source.isShown).slice(-count)
}

/**
 * The log of a compute by its endpoint, or of a component; else those lines of the platform's own
 * log that are about it.
 */
async function findSource(cli: Cli, component: string | undefined): Promise<Source> {
  const home = (await findPlatform(cli))?.home ?? homeOf(cli)
  const directory = join(home, 'logs')
  const names = await listLogs(directory)
  const everything = () => true
  if (component === undefined) return { path: logPath(directory, mainLog), isShown: everything }
  if (names.includes(component)) {
    return { path: logPath(directory, component), isShown: everything }
  }
  if (/^ep-[a-z0-9-]+$/.test(component)) {
    const path = join(home, 'computes', component, 'postgres.log')
    if ((await tailFile(path, 1)).length > 0) return { path, isShown: everything }
  }
  const source = { path: logPath(directory, mainLog), isShown: mentions(component) }
  if ((await lastLines(source, 1)).length > 0) return source
  throw new CliError(`Nothing is logged about ${component}.`, {
    advice: `There are logs of: ${names.join(', ') || 'nothing yet'}.`,
  })
}

function logPath(directory: string, name: string): string {
  return join(directory, `${name}.log`)
}

async function listLogs(directory: string): Promise<string[]> {
  try {
    const files = await readdir(directory)
    return files.filter((file) => file.endsWith('.log')).map((file) => basename(file, '.log'))
  } catch (error) {
    const code = errnoOf(error)
    throw new CliError(`Cannot read the logs in ${directory} (${code ?? 'error'}).`, {
      advice:
        code === 'ENOENT'
          ? 'The platform has not run there: start it with `coppice up`, or say where with --home.'
          : 'They belong to the user who started the platform.',
      cause: error,
    })
  }
}
