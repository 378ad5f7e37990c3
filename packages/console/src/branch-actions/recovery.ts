/** How long the platform keeps what was deleted (server: `recoveryWindowSeconds`). */
const recoveryDays = 7

/** The day until which something that is deleted now can be brought back. */
export function recoverableUntil(nowMs = Date.now()): string {
  const until = new Date(nowMs + recoveryDays * 86_400_000)
  return until.toLocaleDateString(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
}
