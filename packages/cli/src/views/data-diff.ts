import { withoutControls } from '@coppice/migrate/printable'

import type { ShownChange, TableDifference } from '../data-diff/compare-table.ts'
import type { TextRow } from '../data-diff/session.ts'
import type { Column, TablePlan } from '../data-diff/tables.ts'
import type { Output } from '../output.ts'
import { renderTable } from '../table.ts'

/** A comparison for programs: values are as PostgreSQL writes them, null is NULL. */
export function dataDiffAnswer(differences: readonly TableDifference[]): object {
  return {
    tables: differences.map(({ plan, counts, changes }) => ({
      schema: plan.schema,
      table: plan.name,
      ...counts,
      compared_by: plan.key === undefined ? 'whole row' : plan.key.map(({ name }) => name),
      ...(plan.onlyIn !== undefined && { only_in: plan.onlyIn }),
      ...(plan.columnsOnlyIn.base.length > 0 && { columns_only_in_base: plan.columnsOnlyIn.base }),
      ...(plan.columnsOnlyIn.branch.length > 0 && {
        columns_only_in_branch: plan.columnsOnlyIn.branch,
      }),
      rows: changes.map(({ kind, before, after }) => ({
        change: kind,
        ...(before !== undefined && { base: asObject(plan.columns, before) }),
        ...(after !== undefined && { branch: asObject(plan.columns, after) }),
      })),
    })),
  }
}

const asObject = (columns: readonly Column[], row: TextRow): object =>
  Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null]))

/** The same for people: counts of all tables, then the rows of those that differ. */
export async function dataDiffView(
  differences: readonly TableDifference[],
  sides: { base: string; branch: string },
  output: Output,
): Promise<string> {
  const differing = differences.filter(({ counts }) => total(counts) > 0)
  const notes = differences.flatMap(({ plan }) => notesOn(plan, sides))
  if (differing.length === 0) {
    const same = `No rows differ in ${differences.length} ${differences.length === 1 ? 'table' : 'tables'}.`
    return [same, ...notes].join('\n')
  }
  const counts = await renderTable(
    [
      { title: 'Table', value: ({ plan }) => plan.label },
      { title: 'Added', value: ({ counts: { added } }) => String(added) },
      { title: 'Removed', value: ({ counts: { removed } }) => String(removed) },
      { title: 'Changed', value: ({ counts: { changed } }) => String(changed) },
    ],
    differing,
  )
  const rows = await Promise.all(differing.map(async (one) => rowsOf(one, output)))
  return [counts, notes.join('\n'), ...rows].filter((part) => part !== '').join('\n\n')
}

const total = (counts: TableDifference['counts']): number =>
  counts.added + counts.removed + counts.changed

function notesOn(plan: TablePlan, { base, branch }: { base: string; branch: string }): string[] {
  const { base: removed, branch: added } = plan.columnsOnlyIn
  return [
    ...(plan.onlyIn === undefined
      ? []
      : [`${plan.label} is only on ${plan.onlyIn === 'base' ? base : branch}.`]),
    ...(removed.length > 0
      ? [
          `${plan.label}: columns only on ${base} are not compared: ${withoutControls(removed.join(', '))}.`,
        ]
      : []),
    ...(added.length > 0
      ? [
          `${plan.label}: columns only on ${branch} are not compared: ${withoutControls(added.join(', '))}.`,
        ]
      : []),
    ...(plan.key === undefined
      ? [`${plan.label} has no key on both: whole rows are compared, and none counts as changed.`]
      : []),
  ]
}

const looks = { added: 'green', removed: 'red', changed: 'yellow' } as const

/** A line for each row, and for a changed one each value that is another. */
async function rowsOf(difference: TableDifference, output: Output): Promise<string> {
  const { plan, counts, changes } = difference
  const text = await renderTable(
    [
      { title: '', value: ({ sign }: Line) => sign },
      ...plan.columns.map(({ name }, index) => ({
        title: name,
        value: ({ values }: Line) => values[index],
      })),
    ],
    changes.map((change) => lineOf(plan, change)),
  )
  const [head = '', ...lines] = text.split('\n')
  const painted = lines.map((line, index) =>
    output.style(looks[changes[index]?.kind ?? 'changed'], line),
  )
  const rest = total(counts) - changes.length
  return [
    output.style('bold', plan.label),
    head,
    ...painted,
    ...(rest > 0 ? [`… and ${rest} more; --limit shows more of them.`] : []),
  ].join('\n')
}

interface Line {
  sign: string
  values: string[]
}

const signs = { added: '+', removed: '-', changed: '~' }

function lineOf(plan: TablePlan, { kind, before, after }: ShownChange): Line {
  const values = plan.columns.map(({ name }, index) => {
    const [old, current] = [show(before?.[index]), show(after?.[index])]
    if (kind === 'added') return current
    if (kind === 'removed') return old
    const isKey = plan.key?.some((column) => column.name === name)
    if (old !== current) return `${old} → ${current}`
    return isKey ? current : ''
  })
  return { sign: signs[kind], values }
}

const show = (value: string | null | undefined): string => value ?? 'NULL'
