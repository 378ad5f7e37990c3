import { findDifferences, identityHash } from './differences.ts'
import type { ChangeKind, Counts, RowChange } from './row-change.ts'
import { quoteLiteral, type Session, type TextRow } from './session.ts'
import { type Column, columnList, type TablePlan } from './tables.ts'

/** A row that differs, with its values in the order of the table's columns. */
export interface ShownChange {
  kind: ChangeKind
  before: TextRow | undefined
  after: TextRow | undefined
}

export interface TableDifference {
  plan: TablePlan
  counts: Counts
  /** The first of the rows that differ. */
  changes: ShownChange[]
}

/** Counts how the rows of a table differ, and reads `limit` of them. */
export async function compareTable(
  base: Session,
  branch: Session,
  plan: TablePlan,
  limit: number,
): Promise<TableDifference> {
  if (plan.onlyIn !== undefined) {
    return onOneSide(plan.onlyIn === 'base' ? base : branch, plan, limit)
  }
  const counts: Counts = { added: 0, removed: 0, changed: 0 }
  const shown: RowChange[] = []
  for await (const change of findDifferences(base, branch, plan)) {
    counts[change.kind] += 1
    if (shown.length < limit) shown.push(change)
  }
  return { plan, counts, changes: await readChanges(base, branch, plan, shown) }
}

async function onOneSide(
  session: Session,
  plan: TablePlan,
  limit: number,
): Promise<TableDifference> {
  const kind = plan.onlyIn === 'base' ? 'removed' : 'added'
  const [[rows] = []] = await session.query(`select count(*) from ${plan.from}`)
  const order = plan.key === undefined ? '' : ` order by ${columnList(plan.key)}`
  const found = await session.query(
    `select ${columnList(plan.columns)} from ${plan.from}${order} limit ${limit}`,
  )
  return {
    plan,
    counts: { added: 0, removed: 0, changed: 0, [kind]: Number(rows) },
    changes: found.map((row) => ({
      kind,
      before: kind === 'removed' ? row : undefined,
      after: kind === 'added' ? row : undefined,
    })),
  }
}

async function readChanges(
  base: Session,
  branch: Session,
  plan: TablePlan,
  changes: readonly RowChange[],
): Promise<ShownChange[]> {
  const keysOf = (not: ChangeKind) =>
    changes.filter(({ kind }) => kind !== not).map(({ key }) => key)
  const [before, after] = await Promise.all([
    readRows(base, plan, keysOf('added')),
    readRows(branch, plan, keysOf('removed')),
  ])
  const ordered = await inOrder(branch, plan, changes)
  return ordered.map(({ kind, key }) => ({
    kind,
    before: kind === 'added' ? undefined : before.get(JSON.stringify(key)),
    after: kind === 'removed' ? undefined : after.get(JSON.stringify(key)),
  }))
}

/** In the order of their keys, as the server sorts them. */
async function inOrder(
  session: Session,
  { key }: TablePlan,
  changes: readonly RowChange[],
): Promise<RowChange[]> {
  if (key === undefined || changes.length === 0) return [...changes]
  const rows = changes.map((change, place) => `(${place}, ${literals(key, change.key)})`)
  const order = key.map((_, index) => index + 2).join(', ')
  const places = await session.query(
    `select * from (values ${rows.join(', ')}) keys order by ${order}`,
  )
  return places.flatMap(([place]) => changes[Number(place)] ?? [])
}

const literals = (columns: readonly Column[], values: TextRow): string =>
  columns.map(({ type }, index) => `${quoteLiteral(values[index] ?? '')}::${type}`).join(', ')

/** Rows by their key, or by their hash where the table has none. */
async function readRows(
  session: Session,
  plan: TablePlan,
  keys: readonly TextRow[],
): Promise<Map<string, TextRow>> {
  if (keys.length === 0) return new Map()
  const hash: Column = { name: 'hash', quoted: identityHash(plan), type: 'bigint' }
  const identity = plan.key ?? [hash]
  const wanted = new Set(keys.map((values) => `(${literals(identity, values)})`))
  const rows = await session.query(
    `select ${columnList([...identity, ...plan.columns])} from ${plan.from}
    where (${columnList(identity)}) in (${[...wanted].join(', ')})`,
  )
  return new Map(
    rows.map((row) => [JSON.stringify(row.slice(0, identity.length)), row.slice(identity.length)]),
  )
}
