/**
 * Milliseconds since the epoch by a clock that only goes forward, second by second: it is set by the
 * machine's when this process begins, and not with it. For how long ago something was; only to be compared
 * with itself.
 */
export const steadyNow = (): number => performance.timeOrigin + performance.now()

/** A machine's clock that is only kept right moves by less. */
const jumpMs = 250

let offsetMs = 0

/** When something was, by the machine's clock as it is set now. */
export function steadyDate(steadyMs: number): Date {
  const nowMs = Date.now() - steadyNow()
  // The same moment is the same date, unless somebody has set the clock.
  if (Math.abs(nowMs - offsetMs) >= jumpMs) offsetMs = nowMs
  return new Date(Math.floor(steadyMs + offsetMs))
}
