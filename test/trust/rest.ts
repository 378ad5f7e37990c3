import { until } from '../platform.ts'

/** For something to go on meanwhile; what is waited for is time itself. */
export async function rest(ms: number): Promise<void> {
  const endMs = performance.now() + ms
  await until(async () => performance.now() >= endMs, 'a while has passed', ms + 10_000)
}
