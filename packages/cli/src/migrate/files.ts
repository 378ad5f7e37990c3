import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

import {
  inOrder,
  type Located,
  type Migration,
  parseMigration,
  refuseNamesakes,
} from '@coppice/migrate/migration'

import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { errnoOf } from '../platform.ts'

/** Where the tools put them, in a project's directory. */
const usualDirectories = ['migrations', 'drizzle', 'prisma/migrations']
/** Of tools that keep a file for the way back beside the file for the way forward. */
const backwardFile = /(?:[._-](?:down|undo|rollback)\.sql|^U\d+__.*\.sql)$/i
const migrationFile = 'migration.sql'

/**
 * Reads migrations from files and directories, or the usual directory, in their order: of Drizzle's
 * journal where there is one, else by name. Rejects what cannot be parsed, before anything runs.
 */
export async function readMigrations(cli: Cli, given: readonly string[]): Promise<Migration[]> {
  const paths =
    given.length > 0
      ? given.map((path) => resolve(cli.config.cwd, path))
      : [await usualDirectory(cli)]
  const found: Located[] = []
  let isOrdered = false
  for (const path of paths) {
    const { files, ordered } = await locate(path)
    found.push(...files)
    isOrdered = ordered && paths.length === 1
  }
  if (found.length === 0) {
    throw new CliError(`There are no migrations in ${given.join(', ') || paths.join(', ')}.`, {
      advice: 'Files end in .sql, or stand as migration.sql in a directory each.',
    })
  }
  if (isOrdered) refuseNamesakes(found)
  const ordered = isOrdered ? found : inOrder(found)
  return Promise.all(ordered.map(async (file) => readMigration(file)))
}

interface Found {
  files: Located[]
  /** Their order is said by a journal. */
  ordered: boolean
}

async function usualDirectory(cli: Cli): Promise<string> {
  const found: string[] = []
  for (const name of usualDirectories) {
    const path = join(cli.config.cwd, name)
    if ((await stat(path).catch(() => undefined))?.isDirectory()) found.push(path)
  }
  const [first, second] = found
  if (first !== undefined && second === undefined) return first
  throw new CliError(
    first === undefined ? 'Which migrations?' : `Which migrations: ${found.join(' or ')}?`,
    {
      advice: 'Name files or a directory, for example: coppice migrate status migrations/',
    },
  )
}

async function locate(path: string): Promise<Found> {
  const about = await stat(path).catch((error: unknown) => {
    throw new CliError(`Cannot read ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  })
  if (about.isFile()) return { files: fileAlone(path), ordered: false }
  const journal = await readJournal(path)
  if (journal) return { files: journal, ordered: true }
  const entries = await readdir(path, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
  if (names.includes(migrationFile))
    return { files: [{ name: basename(path), path: join(path, migrationFile) }], ordered: false }
  const files = names
    .filter((name) => isForward(name))
    .map((name) => ({ name, path: join(path, name) }))
  for (const entry of entries) {
    if (!entry.isDirectory()) continue
    const inside = join(path, entry.name, migrationFile)
    if ((await stat(inside).catch(() => undefined))?.isFile())
      files.push({ name: entry.name, path: inside })
  }
  return { files, ordered: false }
}

/** A glob of the shell also names what lies beside migrations: Prisma's `migration_lock.toml`. */
function fileAlone(path: string): Located[] {
  const name = basename(path)
  if (name === migrationFile) return [{ name: basename(dirname(path)), path }]
  return isForward(name) ? [{ name, path }] : []
}

function isForward(name: string): boolean {
  return name.endsWith('.sql') && !backwardFile.test(name)
}

/** What Drizzle's journal lists, in its order; undefined where there is none. */
async function readJournal(directory: string): Promise<Located[] | undefined> {
  const path = join(directory, 'meta', '_journal.json')
  const content = await readFile(path, 'utf8').catch(() => undefined)
  if (content === undefined) return undefined
  try {
    const { entries } = JSON.parse(content) as {
      entries: Array<{ tag: string; idx: number; when: number }>
    }
    const inOrder = entries.toSorted((a, b) => a.idx - b.idx)
    return inOrder.map(({ tag, when }) => ({
      name: `${tag}.sql`,
      path: join(directory, `${tag}.sql`),
      journaledAt: when,
    }))
  } catch (error) {
    throw new CliError(`${path} is not a journal of Drizzle's.`, { cause: error })
  }
}

async function readMigration(file: Located): Promise<Migration> {
  const { path } = file
  const content = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(`Cannot read ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  })
  return parseMigration(file, content)
}
