/**
 * How often a property is tried: the same cases each time, so that a failure is of the change that is
 * tested. `COPPICE_FUZZ=20` tries twenty times as many, from a seed of its own.
 */
export function fuzzRuns(count: number): { numRuns: number; seed?: number } {
  const factor = Number(process.env['COPPICE_FUZZ'] ?? 0)
  return factor > 0 ? { numRuns: count * factor } : { numRuns: count, seed: 20_261_125 }
}
