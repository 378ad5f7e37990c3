/**
 * How a property test over real connections runs: the same cases each time, so that a failure is of the
 * change that is tested. `COPPICE_FUZZ=20` runs twenty times as many, from a seed of its own.
 */
export function fuzzRuns(count: number): { numRuns: number; seed?: number } {
  const factor = Number(process.env['COPPICE_FUZZ'] ?? 0)
  return factor > 0 ? { numRuns: count * factor } : { numRuns: count, seed: 20_261_124 }
}
