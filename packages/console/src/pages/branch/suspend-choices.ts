import { formatSuspendTimeout } from '../../ui/format.ts'

const usual = [0, 60, 900, 3600, 86_400, -1]

/** When a compute sleeps, as choices; what is set now is among them. */
export function suspendChoices(current: number): { value: string; label: string }[] {
  const seconds = usual.includes(current) ? usual : [current, ...usual]
  return seconds.map((value) => ({
    value: String(value),
    label: value === 0 ? 'after 5 minutes (default)' : formatSuspendTimeout(value),
  }))
}
