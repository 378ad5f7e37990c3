import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import type { Relation } from '../relation.ts'
import type { Condition, Ranges } from './ranges.ts'

/** What a backfill does to each row. */
export interface Change {
  relation: Relation
  set: string
  /** `true` where every row is meant. */
  where: string
}

/**
 * The statement of a batch. It answers how many rows it changed, and how many of those the condition
 * still holds for. Fragments stand on lines of their own, so that a comment ends where it should.
 */
export function batchStatement({ relation, set, where }: Change, range: Condition): string {
  return `${updateStatement({ relation, set, where }, range.sql, 'with changed as (')}
returning (
${where}
) as again)
select count(*)::text as changed, (count(*) filter (where again))::text as again from changed`
}

/** The same as a person would write it. */
export function updateStatement(
  { relation, set, where }: Change,
  range: string,
  before = '',
): string {
  return `${before}update ${relation.name} set
${set}
where ${range} and (
${where}
)`
}

/**
 * Lets PostgreSQL read the statement, without running it: names, types, rights and grammar of what the
 * user gave. Rejects with the place of the mistake.
 */
export async function explainBatch(sql: Sql, change: Change, ranges: Ranges): Promise<void> {
  const range = anyRange(ranges)
  const statement = `explain ${batchStatement(change, range)}`
  try {
    await sql.unsafe(
      statement,
      range.parameters.map(() => null),
    )
  } catch (error) {
    throw explainMistake(error, statement, change)
  }
}

/** The condition of a batch, whatever its bounds. */
export function anyRange(ranges: Ranges): Condition {
  const bound = ranges.columns.map(() => '')
  return ranges.condition(bound, bound)
}

function explainMistake(error: unknown, statement: string, change: Change): unknown {
  if (!(error instanceof Error) || error.name !== 'PostgresError') return error
  const position = 'position' in error ? Number(error.position) - 1 : NaN
  for (const [option, text] of [
    ['--set', change.set],
    ['--where', change.where],
  ] as const) {
    const start = statement.indexOf(`\n${text}\n`) + 1
    const at = position - start
    if (at < 0 || at > text.length) continue
    const line = text.slice(0, at).split('\n').length - 1
    const lineStart = text.lastIndexOf('\n', at - 1) + 1
    return new CliError(`${option}: ${error.message}`, {
      advice: `  ${text.split('\n')[line]}\n  ${' '.repeat(Math.max(0, at - lineStart))}^\nNothing was changed.`,
      cause: error,
    })
  }
  return new CliError(`PostgreSQL refuses this backfill: ${error.message}`, {
    advice: 'Nothing was changed.',
    cause: error,
  })
}

/** How many rows PostgreSQL expects in the table and to be changed. */
export async function estimateRows(
  sql: Sql,
  { relation, where }: Change,
): Promise<{ inTable: number; matching: number }> {
  return {
    inTable: await planRows(sql, `select from ${relation.name}`),
    matching: await planRows(sql, `select from ${relation.name} where (\n${where}\n)`),
  }
}

interface Explained {
  Plan: { 'Plan Rows': number }
}

async function planRows(sql: Sql, query: string): Promise<number> {
  const [row] = await sql.unsafe<Array<{ 'QUERY PLAN': Explained[] }>>(
    `explain (format json) ${query}`,
  )
  return row?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0
}
