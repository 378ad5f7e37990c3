import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { errnoOf } from '../platform.ts'
import { compareNames } from './order.ts'
import { forwardPart } from './sections.ts'
import { parseStatements, type Source, type Statement } from './statements.ts'
import { withoutWrapper } from './wrapper.ts'

/** A file of migrations, read and taken apart. */
export interface Migration {
  /** By which the ledger knows it: the file's name, or its directory's for `<name>/migration.sql`. */
  name: string
  path: string
  /** SHA-256 of the whole file, in hexadecimal, as Prisma and Drizzle count it. */
  checksum: string
  statements: Statement[]
  /** All in one transaction, or one by one. */
  transactional: boolean
  /** Milliseconds since 1970 that Drizzle's journal has for it. */
  journaledAt: number | undefined
}

/** Where the tools put them, in a project's directory. */
const usualDirectories = ['migrations', 'drizzle', 'prisma/migrations']
/** Of tools that keep a file for the way back beside the file for the way forward. */
const backwardFile = /(?:[._-](?:down|undo|rollback)\.sql|^U\d+__.*\.sql)$/i
const migrationFile = 'migration.sql'
const asksForNoTransaction = /^--.*\b(?:no[ -]transaction|transaction:\s*false)\b/im

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
  const inOrder = isOrdered ? found : found.toSorted((a, b) => compareNames(a.name, b.name))
  refuseNamesakes(inOrder)
  return Promise.all(inOrder.map(async (file) => readMigration(file)))
}

interface Located {
  name: string
  path: string
  journaledAt?: number
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

function refuseNamesakes(files: readonly Located[]): void {
  const paths = new Map<string, string>()
  for (const { name, path } of files) {
    const other = paths.get(name)
    if (other !== undefined && other !== path) {
      throw new CliError(`Two migrations are called ${name}: ${other} and ${path}.`)
    }
    paths.set(name, path)
  }
}

async function readMigration(file: Located): Promise<Migration> {
  const { path } = file
  const content = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(`Cannot read ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  })
  return parseMigration(file, content)
}

/** Takes the content of a file apart; of one that is nowhere, the path is its name. */
export async function parseMigration(
  { name, path, journaledAt }: Located,
  content: string,
): Promise<Migration> {
  const sql = content.replace(/^\uFEFF/, '')
  const source: Source = { name, ...forwardPart(sql) }
  const { statements, isWrapped } = withoutWrapper(name, await parseStatements(source))
  const single = statements.find((statement) => !statement.transactional)
  if (single && isWrapped) {
    throw new CliError(
      `${name}:${single.line}: this statement cannot run in a transaction, and the file begins one.`,
      {
        advice: 'Take BEGIN and COMMIT out, or put the statement into a file of its own.',
      },
    )
  }
  return {
    name,
    path,
    checksum: sha256(content),
    statements,
    transactional: single === undefined && !asksForNoTransaction.test(sql),
    journaledAt,
  }
}

/** Of statements, to know them again in a file that has changed behind them. */
export function checksumOf(statements: readonly Statement[]): string {
  return sha256(statements.map(({ text }) => text).join('\n;\n'))
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}
