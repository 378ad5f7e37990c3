import { setImmediate as nextTurn } from 'node:timers/promises'

/** What others of the process may have to wait for at a time. */
const sliceMs = 10
/** The clock is looked at so often. */
const perLook = 64

/**
 * As `items.map(map)`, for so many that others would wait: they have a turn every ten milliseconds.
 * Rejects with what `map` throws, and with the signal's reason.
 */
export async function mapInSlices<T, R>(
  items: readonly T[],
  map: (item: T) => R,
  signal?: AbortSignal,
): Promise<R[]> {
  const results: R[] = []
  let startedAt = performance.now()
  for (const [index, item] of items.entries()) {
    if (index % perLook === perLook - 1 && performance.now() - startedAt > sliceMs) {
      await nextTurn()
      signal?.throwIfAborted()
      startedAt = performance.now()
    }
    results.push(map(item))
  }
  return results
}
