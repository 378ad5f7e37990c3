/** Figures as people read them. Bytes are powers of 1024, as `pg_size_pretty` and the CLI count. */
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** The largest unit that is not larger than this. */
export function byteUnit(bytes: number): { name: string; bytes: number } {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1)
  return { name: units[power] ?? 'B', bytes: 1024 ** power }
}

/** `12.3 MB`; a dash where it is not known. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return '–'
  const unit = byteUnit(bytes)
  const value = bytes / unit.bytes
  return `${unit.bytes === 1 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit.name}`
}

const spans = [
  [86_400 * 365, 'year'],
  [86_400 * 30, 'month'],
  [86_400 * 7, 'week'],
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const

/** `5 minutes`, `1 day`: the largest unit that fits, rounded down. */
export function formatDuration(seconds: number): string {
  const [size, name] = spans.find(([span]) => Math.abs(seconds) >= span) ?? [1, 'second']
  const count = Math.floor(Math.abs(seconds) / size)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** `1.2 s`, `340 ms`: how long something took. */
export function formatMilliseconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms / 1000)
}

/** `3.4 h`, for what is paid by the hour. */
export function formatHours(seconds: number): string {
  const hours = seconds / 3600
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (hours < 0.1) return `${Math.round(seconds / 60)} min`
  return `${hours < 100 ? hours.toFixed(1) : Math.round(hours)} h`
}

/** `$1.20`, `€0.0031`: two digits, more where that would be nothing. */
export function formatMoney(amount: number, currency: string): string {
  const digits = amount !== 0 && Math.abs(amount) < 0.01 ? 4 : 2
  const style = { style: 'currency', currency, minimumFractionDigits: digits } as const
  return new Intl.NumberFormat('en', { ...style, maximumFractionDigits: digits }).format(amount)
}

/** `$0.106`: a price as it is in its list. */
export function formatPrice(price: number, currency: string): string {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 6 }
  return new Intl.NumberFormat('en', { style: 'currency', currency, ...digits }).format(price)
}

/** `1,240`, `3.42`, `0.0012`: three digits that mean something. */
export function formatAmount(amount: number): string {
  if (amount !== 0 && Math.abs(amount) < 0.0005) return '< 0.001'
  const digits =
    Math.abs(amount) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 }
  return new Intl.NumberFormat('en', digits).format(amount)
}

/** `November 2026`, of a month in UTC. */
export function formatMonth(start: Date): string {
  return start.toLocaleDateString('en', { month: 'long', year: 'numeric', timeZone: 'UTC' })
}

/** `3 minutes ago` or `in 3 days`. */
export function formatRelative(timestamp: string, nowMs = Date.now()): string {
  const seconds = (Date.parse(timestamp) - nowMs) / 1000
  if (seconds > 0) return `in ${formatDuration(seconds)}`
  return seconds > -5 ? 'just now' : `${formatDuration(seconds)} ago`
}

/** `25 Nov 2026, 16:49:03`, in the reader's own time zone. */
export function formatMoment(timestamp: string): string {
  return new Date(timestamp).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

/** `0.25–2 CU`, or `1 CU` for a fixed size. */
export function formatComputeUnits(min: number, max: number): string {
  return min === max ? `${max} CU` : `${min}–${max} CU`
}

/** What `suspend_timeout_seconds` means: 0 is the platform's default, -1 never. */
export function formatSuspendTimeout(seconds: number): string {
  if (seconds === 0) return 'after 5 minutes'
  return seconds < 0 ? 'never' : `after ${formatDuration(seconds)}`
}

/** `create_timeline` as a person says it. */
const actions: Readonly<Record<string, string>> = {
  create_timeline: 'Create project',
  create_branch: 'Create branch',
  delete_timeline: 'Delete branch',
  start_compute: 'Start compute',
  suspend_compute: 'Suspend compute',
  apply_config: 'Apply settings',
  apply_schema_from_branch: 'Copy schema',
  swap_binding_id: 'Restore branch',
  timeline_mark_invisible: 'Keep snapshot',
  detach_parent_branch: 'Move computes to restored branch',
  timeline_archive: 'Archive branch',
  timeline_unarchive: 'Unarchive branch',
}

export function formatAction(action: string): string {
  return actions[action] ?? action.replaceAll('_', ' ')
}

/** `950`, `12.3k`, `4.5M`: a number that is only known about, or has little room. */
export function formatCount(count: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
    .format(count)
    .replace('K', 'k')
}
