import type { BranchHistory } from '@coppice/api'

import { formatBytes, formatDuration, formatMoment } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'

type Line = BranchHistory['lines'][number]

/** What can be reached of a branch's past, and by which lines. */
export async function branchHistory(history: BranchHistory): Promise<string> {
  const { earliest, latest } = history
  const details = await renderDetails([
    ['From', earliest && `${formatMoment(earliest.timestamp)}, LSN ${earliest.lsn}`],
    ['To', latest && `now, LSN ${latest.lsn}`],
    ['Kept for', keptFor(history)],
    ['WAL', formatBytes(history.wal_bytes)],
    [
      'Snapshots',
      history.snapshot_bytes === undefined ? undefined : formatBytes(history.snapshot_bytes),
    ],
  ])
  const lines = await renderTable<Line>(
    [
      { title: 'branch', value: (line) => line.branch_name },
      { title: 'until', value: (line) => formatMoment(line.until?.timestamp) ?? 'now' },
      { title: 'lsn', value: (line) => line.until?.lsn },
      { title: 'snapshots', value: (line) => String(line.snapshots.length) },
      { title: 'notes', value: (line) => (line.deleted ? 'deleted' : undefined) },
    ],
    history.lines,
  )
  const nothing = earliest ? '' : 'Nothing of its past can be reached yet.\n\n'
  return `${nothing}${details.trimEnd()}\n\n${lines}`
}

function keptFor({ retention_seconds: seconds }: BranchHistory): string {
  if (seconds === 0) return 'nothing: the project keeps no history'
  return formatDuration(seconds)
}
