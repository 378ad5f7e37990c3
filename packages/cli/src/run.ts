import { splitArguments } from './arguments.ts'
import type { Cli, GlobalOptions } from './cli.ts'
import type { Config } from './config.ts'
import { reportError } from './errors.ts'
import { createOutput, type Format, formats, type Streams } from './output.ts'
import { addCommands, createProgram } from './program.ts'

interface Surroundings {
  config: Config
  streams: Streams
  serverProgram: () => string
  retryDelayMs?: number
}

/** What the API's answer 423 asks for: its operations take a second or two. */
const defaultRetryDelayMs = 3000

/** Runs one command line and answers its exit code. Writes to the given streams only. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { config, streams, serverProgram } = surroundings
  const { args, passthrough, comment } = splitArguments(argv)
  const program = createProgram(streams)
  const options = () => program.opts<GlobalOptions>()
  const output = createOutput(streams, () => ({
    format: formatOf(options()),
    color: options().color ?? config.color,
  }))
  const cli: Cli = {
    config,
    output,
    get options() {
      return options()
    },
    passthrough,
    get serverProgram() {
      return serverProgram()
    },
    result: { exitCode: 0 },
    retryDelayMs: surroundings.retryDelayMs ?? defaultRetryDelayMs,
  }
  addCommands(program, cli)
  if (comment !== undefined) output.note(`Ignored as a comment: ${comment}`)
  try {
    await program.parseAsync(args, { from: 'user' })
    return cli.result.exitCode
  } catch (error) {
    return reportError(error, output, options().debug ?? false)
  }
}

function formatOf({ output, format }: GlobalOptions): Format {
  const asked = output ?? format
  return formats.find((known) => known === asked) ?? 'table'
}
