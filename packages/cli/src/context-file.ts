import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import type { Cli } from './cli.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'
import { errnoOf, parseObject } from './platform.ts'

/** What a `.neon` file pins for the commands run below its directory. */
export interface Context {
  projectId?: string
  orgId?: string
  branch?: string
}

const fileName = '.neon'

/** A directory with one of these is where a project begins, so there a new file belongs. */
const projectMarks = ['package.json', '.git']

export function readContext(cli: Cli): Context {
  const path = givenFile(cli) ?? findUpwards(cli.config.cwd, [fileName])
  if (path === undefined) return {}
  const content = readContent(path)
  // Neon's CLI writes `branch`; it has written `branchId` as well.
  const { projectId, orgId, branch = content['branchId'] } = content
  return defined({ projectId: text(projectId), orgId: text(orgId), branch: text(branch) })
}

/** Writes the file that `readContext` will find, and answers its path. */
export function writeContext(cli: Cli, context: Context): string {
  const path = givenFile(cli) ?? findUpwards(cli.config.cwd, [fileName]) ?? newFile(cli)
  try {
    writeFileSync(path, `${JSON.stringify(context, null, 2)}\n`)
  } catch (error) {
    throw new CliError(`Cannot write ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  }
  return path
}

function givenFile(cli: Cli): string | undefined {
  const given = cli.options.contextFile
  return given === undefined ? undefined : resolve(cli.config.cwd, given)
}

function newFile({ config }: Cli): string {
  const mark = findUpwards(config.cwd, projectMarks, config.userHome)
  return join(mark === undefined ? config.cwd : dirname(mark), fileName)
}

function findUpwards(from: string, names: readonly string[], end?: string): string | undefined {
  for (let directory = from; directory !== end; directory = dirname(directory)) {
    for (const name of names) {
      const path = join(directory, name)
      // `.git` may be a directory; a directory called `.neon` is something else.
      if (existsSync(path) && (name !== fileName || statSync(path).isFile())) return path
    }
    if (directory === dirname(directory)) return undefined
  }
  return undefined
}

function readContent(path: string): Record<string, unknown> {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    // A file named by flag need not be there before `set-context` has written it.
    if (errnoOf(error) === 'ENOENT') return {}
    throw new CliError(`Cannot read ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  }
  const parsed = parseObject(content)
  if (parsed) return parsed
  throw new CliError(`${path} is not a JSON object.`, {
    advice: 'Write it anew with `coppice set-context --project-id <id>`, or delete it.',
  })
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
