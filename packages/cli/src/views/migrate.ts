import type { UndoAnswer } from '@coppice/api'
import type { StatusRow } from '@coppice/migrate/status'

import { formatMoment } from '../format.ts'
import { renderTable } from '../table.ts'

/** `migrate status`. */
export async function migrationTable(rows: readonly StatusRow[]): Promise<string> {
  return renderTable<StatusRow>(
    [
      { title: 'migration', value: ({ name }) => name },
      { title: 'state', value: stateInWords },
      { title: 'applied', value: (row) => formatMoment(iso(row.applied_at)) },
      { title: 'by', value: (row) => row.applied_by ?? undefined },
      {
        title: 'took',
        value: (row) => (row.duration_ms === null ? undefined : `${row.duration_ms} ms`),
      },
    ],
    rows,
  )
}

function stateInWords({ state, statements, statements_done: done }: StatusRow): string {
  switch (state) {
    case 'unfinished':
      return `unfinished: ${done} of ${statements} statements`
    case 'edited':
      return 'edited since it ran'
    case 'missing':
      return 'applied, and its file is gone'
    case 'applied':
    case 'pending':
      return state
  }
}

/** PostgreSQL prints `2030-01-31 12:00:00.5+00`. */
function iso(timestamp: string | null): string | undefined {
  return timestamp?.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
}

/** `migrate undo`. */
export function undoneDetails({
  restored_branch: branch,
  backup_branch: backup,
  undone,
}: UndoAnswer): string {
  return [
    `Branch ${branch.name} is as it was before ${undone.join(', ')}.`,
    `What it was is in branch ${backup.name} (${backup.id}).`,
  ].join('\n')
}
