import type { ComputeSpec } from '../spec.ts'

export function createSpec(dataDirectory: string, changes: Partial<ComputeSpec> = {}): ComputeSpec {
  return {
    endpointId: 'ep-quiet-forest-12345678',
    dataDirectory,
    pgVersion: 18,
    minComputeUnits: 0.25,
    maxComputeUnits: 0.25,
    pgSettings: {},
    suspendTimeoutSeconds: -1,
    disabled: false,
    allowedIps: [],
    poolerSettings: {},
    logicalReplication: false,
    historyLine: '',
    isStandby: false,
    labels: {},
    ...changes,
  }
}
