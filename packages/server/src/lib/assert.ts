/** Stops on a bug: `why` says what must hold. Never caught to continue. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${why}`)
}

/** The value, which is there unless there is a bug. */
export function must<T>(value: T | null | undefined, why: string): T {
  assert(value !== null && value !== undefined, why)
  return value
}
