/** Runs the function at the first call, whose arguments decide, and answers the same from then on. */
export function once<A extends unknown[], T>(work: (...args: A) => T): (...args: A) => T {
  let done: { value: T } | undefined
  return (...args) => (done ??= { value: work(...args) }).value
}
