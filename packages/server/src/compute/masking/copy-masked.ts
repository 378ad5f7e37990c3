import type { MaskingRule } from '@coppice/api'
import type { Sql } from 'postgres'

import { AppError, errorCode } from '../../lib/errors.ts'
import { copyEmptyDatabases } from '../copy-databases.ts'
import { copyRoles, type VerifierOf } from '../copy-roles.ts'
import { copySettings } from '../copy-settings.ts'
import { createLoginRole, withLoginRole } from '../login-role.ts'
import { type Cluster, platformDatabase } from '../superuser.ts'
import { writeSchemas } from '../write-schema.ts'
import { createAnonFunctions } from './anon-functions.ts'
import { type CopiedTable, copyRows, nameOf } from './copy-rows.ts'
import { applyRules, type DatabaseMasks } from './rules.ts'
import { type MaskableTable, readMaskableTables } from './tables.ts'

export interface MaskedCopy {
  rules: readonly MaskingRule[]
  /** What pseudonyms are keyed with. */
  key: string
  verifierOf: VerifierOf
  /** Told before each table. */
  onTable: (progress: { database: string; table: string; at: number; of: number }) => Promise<void>
}

export interface MaskedResult {
  maskedColumns: number
  /** Materialized views that could not be filled. */
  unfilled: string[]
}

/**
 * Makes one cluster, new and empty, what another is with its values masked.
 *
 * Rows leave the source as answers of queries that put an expression in the place of each masked column,
 * so nothing but masked values ever reaches the new cluster: not its heaps and indexes, not its TOAST
 * tables, not its WAL, statistics or freed pages. The source is a clone that nobody else uses and that is
 * thrown away: the queries, which run what users wrote, are those of a role made there for them.
 */
export async function copyMasked(
  from: Cluster,
  to: Cluster,
  copy: MaskedCopy,
): Promise<MaskedResult> {
  await copyRoles(from, to, copy.verifierOf)
  const databases = await copyEmptyDatabases(from, to)
  refuseUnknown(copy.rules, databases)
  const reader = await createLoginRole(from, {
    source: from,
    name: 'coppice_masker',
    attributes: 'inherit bypassrls',
  })
  await from.withSuperuser(platformDatabase, async (sql) => {
    await sql.unsafe(`grant pg_read_all_data to ${reader.role}`)
  })
  const plans = new Map<string, DatabasePlan>()
  for (const database of databases) plans.set(database, await plan(from, database, copy))
  const total = [...plans.values()].reduce((sum, { tables }) => sum + tables.length, 0)
  const unfilled: string[] = []
  let at = 0
  await writeSchemas(from, to, databases, {
    load: async (target, database) => {
      const { tables = [], masks = new Map() } = plans.get(database) ?? {}
      // The schema has been read by now, so that these are not made in the new cluster as well.
      await from.withSuperuser(database, async (sql) => createAnonFunctions(sql, reader.role))
      await withLoginRole(from, reader, database, async (source) => {
        await prepareReading(source, copy.key)
        for (const table of tables) {
          at += 1
          await copy.onTable({ database, table: `${table.schema}.${table.name}`, at, of: total })
          await copyRows(source, target, { table, masks: masks.get(table.oid) }).catch(
            (error: unknown) => {
              throw explainRows(error, database, table) ?? error
            },
          )
        }
      })
    },
    finish: async (target, database, views) => {
      const filled = await from.withSuperuser(database, readFilledViews)
      for (const { name } of views) {
        if (!filled.has(name)) continue
        const isDone = await refresh(target, name)
        if (!isDone) unfilled.push(`${database}: ${name}`)
      }
    },
    explain: explainRows,
  })
  for (const database of databases) await finishDatabase(from, to, database)
  // At the end, since they would hold for what is done there.
  await copySettings(from, to)
  const maskedColumns = [...plans.values()].reduce((sum, { masks, tables }) => {
    const own = tables.map(({ oid }) => masks.get(oid)?.size ?? 0)
    return sum + own.reduce((all, count) => all + count, 0)
  }, 0)
  return { maskedColumns, unfilled }
}

/** A database that got another name would be copied as it is. */
function refuseUnknown(rules: readonly MaskingRule[], databases: readonly string[]): void {
  const unknown = rules.find((rule) => !databases.includes(rule.database_name))
  if (unknown === undefined) return
  throw new AppError(
    'masking_failed',
    `masking rules are for database ${unknown.database_name}, which the source does not have any more; change the rules`,
  )
}

interface DatabasePlan {
  /** Those with rows of their own. */
  tables: CopiedTable[]
  masks: DatabaseMasks
}

async function plan(from: Cluster, database: string, { rules }: MaskedCopy): Promise<DatabasePlan> {
  return from.withSuperuser(database, async (sql) => {
    const all = await readMaskableTables(sql)
    const masks = applyRules(
      rules.filter((rule) => rule.database_name === database),
      all,
    )
    const byOid = new Map(all.map((table) => [table.oid, table]))
    const tables = all
      .filter(({ kind }) => kind === 'r')
      .map((table) => ({ ...table, into: targetOf(table, byOid) }))
    return { tables, masks }
  })
}

/** Rows of a partition go in at the top: where they belong may hang on what is masked. */
function targetOf(table: MaskableTable, byOid: ReadonlyMap<number, MaskableTable>): string {
  let top = table
  while (top.isPartition) {
    const parent = byOid.get(top.parents[0] ?? 0)
    if (parent === undefined) break
    top = parent
  }
  return nameOf(top)
}

async function prepareReading(sql: Sql, key: string): Promise<void> {
  await sql.unsafe('set row_security = off;\nset intervalstyle = postgres;\nset bytea_output = hex')
  await sql`select set_config('anon.key', ${key}, false)`
}

async function readFilledViews(sql: Sql): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'm' and c.relispopulated`
  return new Set(rows.map(({ name }) => name))
}

/** One whose query does not run here stays empty, and says so when it is read. */
async function refresh(sql: Sql, view: string): Promise<boolean> {
  try {
    await sql.unsafe(`refresh materialized view ${view}`)
    return true
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    return false
  }
}

/** Sequences go on where those of the source are; statistics are of what is there now. */
async function finishDatabase(from: Cluster, to: Cluster, database: string): Promise<void> {
  const statements = await from.withSuperuser(database, async (sql) => {
    const sequences = await sql<{ name: string }[]>`
      select format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'S' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
          and d.objid = c.oid and d.deptype = 'e')`
    const made: string[] = []
    for (const { name } of sequences) {
      const [row] = await sql.unsafe(
        `select format('select setval(%L::regclass, %s, %L)', $1::text, last_value, is_called) as made
         from ${name}`,
        [name],
      )
      made.push(String(row?.['made']))
    }
    return made
  })
  await to.withSuperuser(database, async (sql) => {
    if (statements.length > 0) await sql.unsafe(statements.join(';\n'))
    await sql.unsafe('analyze')
  })
}

/**
 * What users may read of an error about rows. PostgreSQL's own message may hold a value of the source, so
 * it is passed on only where it is about the expression itself (SQLSTATE class 42).
 */
function explainRows(error: unknown, database: string, table?: MaskableTable): Error | undefined {
  const code = errorCode(error)
  if (!(error instanceof Error) || code === undefined || !/^[0-9A-Z]{5}$/.test(code))
    return undefined
  // Of the statements that make indexes and constraints: values that do not fit, and limits.
  if (table === undefined && !/^(?:22|23|54)/.test(code)) return undefined
  const {
    constraint_name: constraint,
    table_name: tableName,
    column_name: column,
  } = error as Error & Partial<Record<'constraint_name' | 'table_name' | 'column_name', string>>
  const place = table === undefined ? (tableName ?? 'a table') : `${table.schema}.${table.name}`
  const what = [
    constraint === undefined ? undefined : `constraint ${constraint}`,
    column === undefined ? undefined : `column ${column}`,
    code.startsWith('42') ? error.message : `SQLSTATE ${code}`,
  ].filter((part) => part !== undefined)
  return new AppError(
    'masking_failed',
    `the masked rows of ${database}: ${place} cannot be made (${what.join(', ')}); change its masking rules`,
    // Not as the cause: it would be logged, with the value.
  )
}
