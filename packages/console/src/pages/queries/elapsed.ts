/** `0.4 s`, `12 s`, `3:05 min`, `2.5 h`: how long something goes on, in a narrow column that ticks. */
export function formatElapsed(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.floor(seconds)} s`
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')} min`
  }
  return seconds < 172_800
    ? `${(seconds / 3600).toFixed(1)} h`
    : `${Math.floor(seconds / 86_400)} d`
}
