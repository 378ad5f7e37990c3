import type { ComputeSpec } from '../compute/spec.ts'
import type { Context } from './context.ts'
import { volumeDataDirectory } from './volumes.ts'

interface SpecSource {
  id: string
  project_id: string
  branch_id: string
  min_cu: number
  max_cu: number
  suspend_timeout_seconds: number
  pg_settings: Record<string, string>
  disabled: boolean
}

/** What the host is told of an endpoint: directories and settings, with the defaults filled in. */
export function computeSpec(
  context: Context,
  endpoint: SpecSource,
  branch: { volume_id: string; name: string },
  pgVersion: number,
): ComputeSpec {
  const timeout = endpoint.suspend_timeout_seconds
  return {
    endpointId: endpoint.id,
    dataDirectory: volumeDataDirectory(context.volumes, branch.volume_id),
    pgVersion,
    minComputeUnits: endpoint.min_cu,
    maxComputeUnits: endpoint.max_cu,
    pgSettings: endpoint.pg_settings,
    suspendTimeoutSeconds: timeout === 0 ? context.settings.defaultSuspendTimeoutSeconds : timeout,
    disabled: endpoint.disabled,
    labels: {
      project_id: endpoint.project_id,
      branch_id: endpoint.branch_id,
      branch_name: branch.name,
    },
  }
}
