import { CliError } from '../errors.ts'
import type { Migration } from './files.ts'
import type { Session } from './session.ts'

/**
 * The ledgers of other tools. What one of them has applied is not applied again, and what is applied here
 * is written there as well, so that either can go on.
 */
interface ToolLedger {
  tool: string
  table: string
  /** Answers the names, or the checksums, that it has as done. */
  done: string
  matches: (migration: Migration, key: string) => boolean
  /** Something that has begun and not ended. */
  unfinished?: string
  record: (session: Session, migration: Migration) => Promise<unknown>
}

const withoutSuffix = (name: string) => name.replace(/\.sql$/, '')

const toolLedgers: readonly ToolLedger[] = [
  {
    tool: 'Prisma',
    table: '_prisma_migrations',
    done: `select migration_name as key from _prisma_migrations
      where finished_at is not null and rolled_back_at is null`,
    unfinished: `select migration_name as key from _prisma_migrations
      where finished_at is null and rolled_back_at is null`,
    matches: ({ name }, key) => name === key,
    record: async ({ sql }, { name, checksum, statements }) => sql`
      insert into _prisma_migrations
        (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
      values (gen_random_uuid()::text, ${checksum}, ${name}, clock_timestamp(), clock_timestamp(),
        ${statements.length > 0 ? 1 : 0})`,
  },
  {
    tool: 'Drizzle',
    table: 'drizzle.__drizzle_migrations',
    done: 'select hash as key from drizzle.__drizzle_migrations',
    matches: ({ checksum }, key) => checksum === key,
    record: async ({ sql }, { checksum, journaledAt }) => sql`
      insert into drizzle.__drizzle_migrations (hash, created_at)
      values (${checksum}, ${journaledAt ?? Date.now()})`,
  },
  {
    tool: 'node-pg-migrate',
    table: 'pgmigrations',
    done: 'select name as key from pgmigrations',
    matches: ({ name }, key) => withoutSuffix(name) === key,
    record: async ({ sql }, { name }) => sql`
      insert into pgmigrations (name, run_on) values (${withoutSuffix(name)}, now())`,
  },
]

/** What other tools have applied in this database. */
export interface ToolHistory {
  /** The tool that has applied a migration. */
  appliedBy(migration: Migration): string | undefined
  /** Writes that it has been applied to the tables of those who keep one. */
  record(session: Session, migration: Migration): Promise<void>
}

export async function readToolHistory(session: Session): Promise<ToolHistory> {
  const present: Array<{ ledger: ToolLedger; keys: string[] }> = []
  for (const ledger of toolLedgers) {
    const [found] = await session.sql`select 1 where to_regclass(${ledger.table}) is not null`
    if (!found) continue
    await refuseUnfinished(session, ledger)
    const rows = await session.sql.unsafe<Array<{ key: string }>>(ledger.done)
    present.push({ ledger, keys: rows.map(({ key }) => key) })
  }
  return {
    appliedBy: (migration) =>
      present.find(({ ledger, keys }) => keys.some((key) => ledger.matches(migration, key)))?.ledger
        .tool,
    async record(target, migration) {
      for (const { ledger } of present) await ledger.record(target, migration)
    },
  }
}

async function refuseUnfinished({ sql }: Session, { tool, unfinished }: ToolLedger): Promise<void> {
  if (unfinished === undefined) return
  const [begun] = await sql.unsafe<Array<{ key: string }>>(unfinished)
  if (!begun) return
  throw new CliError(`${tool} has begun ${begun.key} and not ended it.`, {
    advice: `Resolve that first, as ${tool} says: npx prisma migrate resolve --help`,
  })
}
