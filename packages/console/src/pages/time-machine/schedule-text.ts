import type { BackupScheduleItem } from '@coppice/api'

export type Frequency = BackupScheduleItem['frequency']

export const weekdays = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
] as const

export const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

/** `every Monday at 03:00`; what is left out is as the platform takes it. */
export function scheduleText({
  frequency,
  hour = 0,
  day = 1,
  month = 1,
}: BackupScheduleItem): string {
  const time = `${String(hour).padStart(2, '0')}:00`
  switch (frequency) {
    case 'hourly':
      return 'every hour'
    case 'daily':
      return `every day at ${time}`
    case 'weekly':
      return `every ${weekdays[day - 1] ?? 'week'} at ${time}`
    case 'monthly':
      return `on day ${day} of every month at ${time}`
    case 'yearly':
      return `every year on ${day} ${months[month - 1] ?? ''} at ${time}`
  }
}
