import { type ComputeSpec, plainSpec } from '../spec.ts'

export function createSpec(dataDirectory: string, changes: Partial<ComputeSpec> = {}): ComputeSpec {
  return {
    ...plainSpec,
    endpointId: 'ep-quiet-forest-12345678',
    dataDirectory,
    pgVersion: 18,
    minComputeUnits: 0.25,
    maxComputeUnits: 0.25,
    ...changes,
  }
}
