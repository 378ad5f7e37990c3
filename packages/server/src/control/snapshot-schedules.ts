import type { BackupScheduleItem } from '@coppice/api'

import { AppError, describeError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { createSnapshot } from './snapshots.ts'
import type { BranchRow } from './store/branches.ts'
import {
  findSchedule,
  listSchedules,
  putSchedule,
  recordScheduleChecked,
} from './store/snapshot-schedules.ts'

export async function readSchedule(
  context: Context,
  branch: BranchRow,
): Promise<BackupScheduleItem[]> {
  return (await findSchedule(context.store, branch.id))?.items ?? []
}

export async function setSchedule(
  context: Context,
  branch: BranchRow,
  items: readonly BackupScheduleItem[],
): Promise<void> {
  for (const item of items) {
    if (item.frequency === 'weekly' && (item.day ?? 1) > 7) {
      throw new AppError('invalid_request', 'the day of a weekly schedule is 1 (Monday) to 7')
    }
  }
  await putSchedule(context.store, branch.id, items)
}

/** Makes the snapshots that have come due. One that was missed while the platform was down is made once. */
export async function runSchedules(context: Context): Promise<void> {
  for (const schedule of await listSchedules(context.store)) {
    const now = new Date()
    const due = schedule.items.filter((item) => isDue(item, schedule.checked_at, now))
    for (const item of due) {
      const { retention_seconds: seconds } = item
      await createSnapshot(context, schedule.project_id, schedule.branch_id, {
        name: `${item.frequency} ${now.toISOString()}`,
        manual: false,
        ...(seconds !== undefined && {
          expires_at: new Date(now.getTime() + seconds * 1000).toISOString(),
        }),
      }).catch((error: unknown) => {
        context.log.error(
          { branch_id: schedule.branch_id, error: describeError(error) },
          'a scheduled snapshot could not be made',
        )
      })
    }
    await recordScheduleChecked(context.store, schedule.branch_id, now)
  }
}

/** Whether a moment of the schedule lies after `since` and not after `now`. */
export function isDue(item: BackupScheduleItem, since: Date, now: Date): boolean {
  return lastOccurrence(item, now) > since
}

/** The latest moment of a schedule that is not after `now`, in UTC. */
export function lastOccurrence(item: BackupScheduleItem, now: Date): Date {
  const { frequency, hour = 0, day = 1, month = 1 } = item
  const year = now.getUTCFullYear()
  const at = (offset: number): Date => {
    switch (frequency) {
      case 'hourly':
        return new Date(Math.floor(now.getTime() / hourMs) * hourMs - offset * hourMs)
      case 'daily':
        return utc(year, now.getUTCMonth(), now.getUTCDate() - offset, hour)
      case 'weekly': {
        // Monday is 1; JavaScript's Sunday is 0.
        const back = (now.getUTCDay() + 7 - (day % 7)) % 7
        return utc(year, now.getUTCMonth(), now.getUTCDate() - back - offset * 7, hour)
      }
      case 'monthly':
        return utcInMonth(year, now.getUTCMonth() - offset, day, hour)
      case 'yearly':
        return utcInMonth(year - offset, month - 1, day, hour)
    }
  }
  const candidate = at(0)
  return candidate <= now ? candidate : at(1)
}

const hourMs = 3_600_000

const utc = (year: number, month: number, day: number, hour: number): Date =>
  new Date(Date.UTC(year, month, day, hour))

/** The 31st of a shorter month is its last day. */
function utcInMonth(year: number, month: number, day: number, hour: number): Date {
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return utc(year, month, Math.min(day, lastDay), hour)
}
