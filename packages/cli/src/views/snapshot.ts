import type { BackupScheduleItem, Snapshot } from '@coppice/api'

import { formatBytes, formatDuration, formatMoment, formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'

/** Snapshots as a list, with what checking them found. */
export async function snapshotTable(snapshots: readonly Snapshot[]): Promise<string> {
  return renderTable<Snapshot>(
    [
      { title: 'id', value: (snapshot) => snapshot.id },
      { title: 'name', value: (snapshot) => snapshot.name },
      { title: 'slug', value: (snapshot) => snapshot.slug },
      { title: 'branch', value: (snapshot) => snapshot.source_branch_id },
      { title: 'size', value: sizeOf },
      { title: 'made', value: ({ manual }) => (manual ? undefined : 'by schedule') },
      { title: 'checked', value: (snapshot) => snapshot.verification?.status },
      { title: 'created', value: (snapshot) => formatTime(snapshot.created_at) },
      { title: 'expires', value: (snapshot) => formatTime(snapshot.expires_at) ?? 'never' },
    ],
    snapshots,
  )
}

/** One snapshot, whole. */
export async function snapshotDetails(snapshot: Snapshot): Promise<string> {
  return renderDetails([
    ['Snapshot', snapshot.name],
    ['ID', snapshot.id],
    ['Slug', snapshot.slug],
    ['Branch', snapshot.source_branch_id],
    ['Of', formatMoment(snapshot.timestamp)],
    ['LSN', snapshot.lsn],
    ['Size', sizeOf(snapshot)],
    ['Made', snapshot.manual ? 'by hand' : 'by schedule'],
    ['Checked', verificationOf(snapshot)],
    ['Created', formatTime(snapshot.created_at)],
    ['Expires', formatMoment(snapshot.expires_at) ?? 'never'],
  ])
}

/** When snapshots of a branch are made, a line a rule. */
export async function scheduleTable(schedule: readonly BackupScheduleItem[]): Promise<string> {
  return renderTable<BackupScheduleItem>(
    [
      { title: 'frequency', value: (item) => item.frequency },
      { title: 'hour', value: ({ hour }) => (hour === undefined ? undefined : `${hour}:00 UTC`) },
      { title: 'day', value: ({ day }) => day?.toString() },
      { title: 'month', value: ({ month }) => month?.toString() },
      {
        title: 'kept',
        value: ({ retention_seconds: seconds }) =>
          seconds === undefined ? 'for good' : formatDuration(seconds),
      },
    ],
    schedule,
  )
}

function sizeOf({ full_size: sizeBytes }: Snapshot): string | undefined {
  return sizeBytes === undefined ? undefined : formatBytes(sizeBytes)
}

function verificationOf({ verification }: Snapshot): string | undefined {
  if (!verification) return undefined
  const { status, verified_at: at, detail } = verification
  const when = at === undefined ? '' : `, ${formatTime(at)}`
  return `${status}${when}${detail === undefined ? '' : `: ${detail}`}`
}
