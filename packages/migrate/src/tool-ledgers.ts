import { AdvisedError } from './advised-error.ts'
import type { Migration } from './migration.ts'
import type { Session } from './session.ts'

/**
 * The ledgers of other tools. What one of them has applied is not applied again, and what is applied here
 * is written there as well, so that either can go on.
 */
interface ToolLedger {
  tool: string
  table: string
  /** Asks a table for the names, or the checksums, that it has as done. */
  done: (table: string) => string
  matches: (migration: Migration, key: string) => boolean
  /** Something that has begun and not ended. */
  unfinished?: (table: string) => string
  record: (session: Session, migration: Migration, table: string) => Promise<unknown>
}

const withoutSuffix = (name: string) => name.replace(/\.sql$/, '')

const toolLedgers: readonly ToolLedger[] = [
  {
    tool: 'Prisma',
    table: '_prisma_migrations',
    done: (table) => `select migration_name as key from ${table}
      where finished_at is not null and rolled_back_at is null`,
    unfinished: (table) => `select migration_name as key from ${table}
      where finished_at is null and rolled_back_at is null`,
    matches: ({ name }, key) => name === key,
    record: async ({ sql }, { name, checksum, statements }, table) => sql`
      insert into ${sql.unsafe(table)}
        (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
      values (gen_random_uuid()::text, ${checksum}, ${name}, clock_timestamp(), clock_timestamp(),
        ${statements.length > 0 ? 1 : 0})`,
  },
  {
    tool: 'Drizzle',
    table: 'drizzle.__drizzle_migrations',
    done: (table) => `select hash as key from ${table}`,
    matches: ({ checksum }, key) => checksum === key,
    record: async ({ sql }, { checksum, journaledAt }, table) => sql`
      insert into ${sql.unsafe(table)} (hash, created_at)
      values (${checksum}, ${journaledAt ?? Date.now()})`,
  },
  {
    tool: 'node-pg-migrate',
    table: 'pgmigrations',
    done: (table) => `select name as key from ${table}`,
    matches: ({ name }, key) => withoutSuffix(name) === key,
    record: async ({ sql }, { name }, table) => sql`
      insert into ${sql.unsafe(table)} (name, run_on) values (${withoutSuffix(name)}, now())`,
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
  const present: Array<{ ledger: ToolLedger; table: string; keys: string[] }> = []
  for (const ledger of toolLedgers) {
    const table = await locate(session, ledger.table)
    if (table === undefined) continue
    await refuseUnfinished(session, ledger, table)
    const rows = await session.sql.unsafe<Array<{ key: string }>>(ledger.done(table))
    present.push({ ledger, table, keys: rows.map(({ key }) => key) })
  }
  return {
    appliedBy: (migration) =>
      present.find(({ ledger, keys }) => keys.some((key) => ledger.matches(migration, key)))?.ledger
        .tool,
    async record(target, migration) {
      for (const { ledger, table } of present) await ledger.record(target, migration, table)
    },
  }
}

/** A table with its schema: a migration may change where names are looked for. */
async function locate({ sql }: Session, name: string): Promise<string | undefined> {
  const [found] = await sql<Array<{ name: string }>>`
    select format('%I.%I', nspname, relname) as name
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = to_regclass(${name})`
  return found?.name
}

async function refuseUnfinished(
  { sql }: Session,
  { tool, unfinished }: ToolLedger,
  table: string,
): Promise<void> {
  if (unfinished === undefined) return
  const [begun] = await sql.unsafe<Array<{ key: string }>>(unfinished(table))
  if (!begun) return
  throw new AdvisedError(`${tool} has begun ${begun.key} and not ended it.`, {
    advice: `Resolve that first, as ${tool} says: npx prisma migrate resolve --help`,
  })
}
