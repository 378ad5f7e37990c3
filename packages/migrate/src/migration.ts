import { createHash } from 'node:crypto'

import { AdvisedError } from './advised-error.ts'
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

/** A file of migrations and where it lies, before it is read. */
export interface Located {
  name: string
  path: string
  journaledAt?: number
}

const asksForNoTransaction = /^--.*\b(?:no[ -]transaction|transaction:\s*false)\b/im

/** As they run: by the number that they begin with. Rejects two of one name. */
export function inOrder<T extends Located>(files: readonly T[]): T[] {
  refuseNamesakes(files)
  return files.toSorted((a, b) => compareNames(a.name, b.name))
}

/** The ledger knows them by their names. */
export function refuseNamesakes(files: readonly Located[]): void {
  const paths = new Map<string, string>()
  for (const { name, path } of files) {
    const other = paths.get(name)
    if (other !== undefined && other !== path) {
      throw new AdvisedError(`Two migrations are called ${name}: ${other} and ${path}.`)
    }
    paths.set(name, path)
  }
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
    throw new AdvisedError(
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
