import type { PlanChange } from '@coppice/api'

import { type Database, lookingSession, type Sql } from './database.ts'
import { isFields, text } from './tree.ts'

/** A query that pg_stat_statements has counted, its constants written as `$1`. */
export interface RecordedQuery {
  query: string
  calls: number
}

const topMax = 20
const planTimeoutMs = 10_000

/** The queries that took the most time together; none where the database does not count them. */
export async function readTopQueries(database: Database): Promise<RecordedQuery[]> {
  return database.open(async (sql) => {
    const [extension] = await sql<Array<{ schema: string }>>`
      select quote_ident(nspname) as schema from pg_extension
      join pg_namespace on pg_namespace.oid = extnamespace where extname = 'pg_stat_statements'`
    if (!extension) return []
    const rows = await sql.unsafe<Array<{ query: string; calls: string }>>(`
      select query, sum(calls) as calls from ${extension.schema}.pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())
        and query ~* '^\\s*(select|insert|update|delete|merge|with|values)\\M'
        and query !~* 'pg_catalog|pg_stat|pg_class|pg_locks|coppice|\\mpg_\\w+\\('
      group by query order by sum(total_exec_time) desc, query limit ${topMax}`)
    return rows.map(({ query, calls }) => ({ query, calls: Number(calls) }))
  }, lookingSession)
}

interface Plan {
  shape: string
  cost: number
}
export type Planned = Plan | { error: string }

/** Plans each query as it would be for any parameters. Nothing is run. */
export async function planQueries(
  database: Database,
  queries: readonly RecordedQuery[],
): Promise<Map<string, Planned>> {
  if (queries.length === 0) return new Map()
  const settings = {
    application_name: 'coppice migrate plans',
    plan_cache_mode: 'force_generic_plan',
    statement_timeout: planTimeoutMs,
  }
  return database.open(async (sql) => {
    const plans = new Map<string, Planned>()
    for (const { query } of queries) plans.set(query, await planOf(sql, query))
    return plans
  }, settings)
}

/**
 * By PREPARE, which finds the types of parameters and works on 14 and 15 as well, where EXPLAIN has no
 * GENERIC_PLAN. Any role has written the text, and planning evaluates functions that say they are immutable,
 * with the rights of this session: nothing of it is written, or stays.
 */
async function planOf(sql: Sql, query: string): Promise<Planned> {
  await sql.unsafe('begin read only')
  try {
    await runOne(sql, `prepare coppice_plan as ${query}`)
    const [prepared] = await sql<Array<{ count: string }>>`
      select cardinality(parameter_types) as count from pg_prepared_statements
      where name = 'coppice_plan'`
    const count = Number(prepared?.count ?? 0)
    const parameters =
      count === 0 ? '' : `(${Array.from({ length: count }, () => 'null').join(', ')})`
    const rows = await runOne(sql, `explain (format json) execute coppice_plan${parameters}`)
    return readPlan(rows[0]?.['QUERY PLAN'])
  } catch (error) {
    return { error: messageOf(error) }
  } finally {
    await sql.unsafe('rollback')
    await sql.unsafe('deallocate all')
  }
}

/**
 * By the extended protocol, which refuses more than one statement: pg_stat_statements leaves some constants
 * in its texts, and one that was written under another `standard_conforming_strings` may end elsewhere.
 */
async function runOne(sql: Sql, statement: string): Promise<Array<Record<string, unknown>>> {
  return sql.unsafe<Array<Record<string, unknown>>>(statement, [], extended)
}

/** Without parameters the library takes the simple protocol, unless it is told; its types do not know that. */
const extended: { prepare: boolean; simple: boolean } = { prepare: false, simple: false }

function readPlan(value: unknown): Planned {
  const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value
  const first: unknown = Array.isArray(parsed) ? parsed[0] : undefined
  const plan = isFields(first) ? first['Plan'] : undefined
  return isFields(plan)
    ? { shape: shapeOf(plan), cost: Number(plan['Total Cost']) }
    : { error: 'PostgreSQL has answered no plan.' }
}

/** `Index Scan on orders using orders_pkey`; what stands below a node in brackets behind it. */
function shapeOf(plan: Readonly<Record<string, unknown>>): string {
  const [relation, index] = [text(plan['Relation Name']), text(plan['Index Name'])]
  const name = [
    text(plan['Node Type']),
    relation === undefined ? undefined : `on ${relation}`,
    index === undefined ? undefined : `using ${index}`,
  ]
  const below = Array.isArray(plan['Plans']) ? plan['Plans'].filter(isFields).map(shapeOf) : []
  const own = name.filter((part) => part !== undefined).join(' ')
  return below.length === 0 ? own : `${own} (${below.join(', ')})`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Those that have changed, and how many could be compared. */
export function comparePlans(
  queries: readonly RecordedQuery[],
  before: ReadonlyMap<string, Planned>,
  after: ReadonlyMap<string, Planned>,
): { changes: PlanChange[]; compared: number } {
  const changes: PlanChange[] = []
  let compared = 0
  for (const { query, calls } of queries) {
    const [old, now] = [before.get(query), after.get(query)]
    // What could not be planned before says nothing about the migration.
    if (!old || !now || 'error' in old) continue
    compared += 1
    const change = { query, calls, before: old.shape, cost_before: old.cost }
    if ('error' in now) changes.push({ ...change, after: null, cost_after: null, error: now.error })
    else if (now.shape !== old.shape) {
      changes.push({ ...change, after: now.shape, cost_after: now.cost, error: null })
    }
  }
  return { changes, compared }
}
