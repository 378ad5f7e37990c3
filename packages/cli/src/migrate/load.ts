import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { parseStatements } from '@coppice/migrate/statements'

import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { errnoOf } from '../platform.ts'

/** The statements that others are to run meanwhile: of a file, or `top` for the recorded queries. */
export async function readLoad(cli: Cli, choice: string): Promise<readonly string[] | 'top'> {
  if (choice === 'top') return 'top'
  const path = resolve(cli.config.cwd, choice)
  const sql = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(`Cannot read ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  })
  const statements = await parseStatements({ name: choice, sql, firstLine: 1 })
  if (statements.length > 0) return statements.map(({ text }) => text)
  throw new CliError(`There are no statements in ${choice}.`)
}
