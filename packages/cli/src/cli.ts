import { resolve } from 'node:path'

import type { Config } from './config.ts'
import type { Output } from './output.ts'

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  output?: string
  format?: string
  projectId?: string
  apiKey?: string
  apiHost?: string
  contextFile?: string
  home?: string
  color?: boolean
  debug?: boolean
}

/** What commands get from outside; nothing in `commands/` reads a process-wide thing. */
export interface Cli {
  readonly config: Config
  readonly output: Output
  /** Valid once a command runs. */
  readonly options: GlobalOptions
  /** What stood after `--`: arguments for psql. */
  readonly passthrough: readonly string[]
  /** The server's program, which the platform commands run as a child process. */
  readonly serverProgram: string
  /** The exit code of a command that ends in order: psql's own, or 1 for a finding. */
  readonly result: { exitCode: number }
  /** Between two attempts of a call that the API asks to repeat. */
  readonly retryDelayMs: number
}

/** The state directory of the local platform. */
export function homeOf(cli: Cli): string {
  const given = cli.options.home
  return given === undefined ? cli.config.home : resolve(cli.config.cwd, given)
}
