import { setTimeout as delay } from 'node:timers/promises'

const intervalMs = 10

/** Waits until the condition holds, asking again and again. Rejects at the deadline. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition was not met in time')
    await delay(intervalMs)
  }
}
