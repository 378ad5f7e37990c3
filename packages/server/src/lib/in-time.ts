/** Told instead of the answer of work that has not ended by its time. */
export const late: unique symbol = Symbol('late')

/**
 * What work answers or rejects with, or `late` once the time is over. Late work goes on; what it rejects
 * with then is nobody's any more.
 */
export async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | typeof late> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), timeoutMs)
  })
  // A rejection that comes first is heard by the race.
  work.catch(() => undefined)
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer))
}
