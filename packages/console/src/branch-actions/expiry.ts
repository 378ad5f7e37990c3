/** When a branch ends, in the words of a choice; the value is seconds from now. */
export const expiryChoices = [
  { value: 'never', label: 'Never' },
  { value: '3600', label: 'In an hour' },
  { value: '86400', label: 'In a day' },
  { value: '604800', label: 'In a week' },
  { value: '2592000', label: 'In 30 days' },
]

/** The moment that a choice means; null for never. */
export function expiryOf(choice: string, nowMs = Date.now()): string | null {
  const seconds = Number(choice)
  return Number.isFinite(seconds) && seconds > 0
    ? new Date(nowMs + seconds * 1000).toISOString()
    : null
}
