const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `12.3 MB`: powers of 1024, as `pg_size_pretty` and `--size 50G` count. */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes
  let unit = 0
  while (value >= 1024 && unit < sizeUnits.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${sizeUnits[unit]}`
}

const spans: ReadonlyArray<readonly [number, string]> = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'min'],
  [1, 's'],
]

/** `5 min`, `3 days`: the largest unit that fits, rounded down. */
export function formatDuration(seconds: number): string {
  const [size, name] = spans.find(([size]) => seconds >= size) ?? [1, 's']
  const count = Math.floor(seconds / size)
  const isPlural = count !== 1 && name.length > 3
  return `${count} ${name}${isPlural || (count !== 1 && name === 'day') ? 's' : ''}`
}

/** `3 min ago` or `in 3 days` for an RFC 3339 time. */
export function formatTime(timestamp: string | undefined, nowMs = Date.now()): string | undefined {
  if (timestamp === undefined) return undefined
  const seconds = (Date.parse(timestamp) - nowMs) / 1000
  if (Number.isNaN(seconds)) return timestamp
  if (seconds > 0) return `in ${formatDuration(seconds)}`
  return seconds > -5 ? 'just now' : `${formatDuration(-seconds)} ago`
}

/** A moment to plan by: `2026-11-30 16:49 UTC (in 6 days)`. */
export function formatMoment(timestamp: string | undefined): string | undefined {
  if (timestamp === undefined) return undefined
  const at = new Date(timestamp)
  if (Number.isNaN(at.getTime())) return timestamp
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC (${formatTime(timestamp)})`
}

/** `0.25-2 CU`, or `1 CU` for a fixed size. */
export function formatComputeUnits(min: number, max: number): string {
  return min === max ? `${max} CU` : `${min}-${max} CU`
}

/** What `suspend_timeout_seconds` means: 0 is the platform's default, -1 never. */
export function formatSuspendTimeout(seconds: number): string {
  if (seconds === 0) return 'default'
  return seconds < 0 ? 'never' : formatDuration(seconds)
}

/** The word in single quotes where a shell would otherwise take it apart. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
