import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import type { Cli } from './cli.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'
import { errnoOf, parseObject } from './platform.ts'

/** What a `.neon` file pins for the commands run below its directory; the shape is Neon's CLI's. */
export interface Context {
  projectId?: string
  orgId?: string
  branch?: string
  git?: GitContext
}

/** Which branch belongs to which of git, and whether a checkout in git is followed. */
export interface GitContext {
  follow?: boolean
  map?: Record<string, string>
}

const fileName = '.neon'

/** A directory with one of these is where a project begins, so there a new file belongs. */
const projectMarks = ['package.json', '.git']

/** The context that holds here; what git's branches map to is the repository's, by `readContextFile`. */
export function readContext(cli: Cli): Context {
  const path = findContextFile(cli)
  if (path === undefined) return {}
  const { git: _, ...context } = readContextFile(path)
  return context
}

/** The branch that belongs to a branch of git, undefined where none has been pinned for it. */
export function mappedBranch({ git }: Context, gitBranch: string): string | undefined {
  const map = git?.map ?? {}
  // A branch of git may be called `constructor`.
  return Object.hasOwn(map, gitBranch) ? map[gitBranch] : undefined
}

/** The file that holds here, undefined where there is none. */
export function findContextFile(cli: Cli): string | undefined {
  return givenFile(cli) ?? findUpwards(cli.config.cwd, [fileName])
}

/** The file of a directory, there or not. */
export function contextFileOf(directory: string): string {
  return join(directory, fileName)
}

/** Reads one file; empty where it is not there. */
export function readContextFile(path: string): Context {
  const content = readContent(path)
  // Neon's CLI writes `branch`; it has written `branchId` as well.
  const { projectId, orgId, branch = content['branchId'], git } = content
  return defined({
    projectId: text(projectId),
    orgId: text(orgId),
    branch: text(branch),
    // Written by this program or Neon's; nobody edits it by hand.
    git: typeof git === 'object' && git !== null ? (git as GitContext) : undefined,
  })
}

/** Writes the file that `readContext` will find, and answers its path. */
export function writeContext(cli: Cli, context: Context): string {
  const path = findContextFile(cli) ?? newFile(cli)
  return writeContextFile(path, context)
}

/** Writes one file. What git's branches map to stays, as long as the project does. */
export function writeContextFile(path: string, context: Context): string {
  const before = readContextFile(path)
  const sameProject = before.projectId === undefined || before.projectId === context.projectId
  const git = context.git ?? (sameProject ? before.git : undefined)
  try {
    writeFileSync(path, `${JSON.stringify({ ...context, ...(git && { git }) }, null, 2)}\n`)
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
