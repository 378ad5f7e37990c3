import type { ProjectSettings } from '@coppice/api'

import type { ComputeSpec } from '../compute/spec.ts'
import type { Context } from './context.ts'
import type { PlacedEndpoint } from './store/endpoints.ts'
import { volumeDataDirectory } from './volumes.ts'

/** What the host is told of an endpoint: directories and settings, with the defaults filled in. */
export function computeSpec(context: Context, endpoint: PlacedEndpoint): ComputeSpec {
  const timeout = endpoint.suspend_timeout_seconds
  return {
    endpointId: endpoint.id,
    dataDirectory: volumeDataDirectory(context.volumes, endpoint.volume_id),
    pgVersion: endpoint.pg_version,
    minComputeUnits: endpoint.min_cu,
    maxComputeUnits: endpoint.max_cu,
    pgSettings: endpoint.pg_settings,
    suspendTimeoutSeconds: timeout === 0 ? context.settings.defaultSuspendTimeoutSeconds : timeout,
    disabled: endpoint.disabled,
    allowedIps: allowedIps(endpoint),
    poolerSettings: { ...endpoint.project_pgbouncer_settings, ...endpoint.pgbouncer_settings },
    logicalReplication: endpoint.project_settings.enable_logical_replication === true,
    historyLine:
      endpoint.type === 'read_write' && endpoint.history_retention_seconds > 0
        ? endpoint.volume_id
        : '',
    isStandby: false,
    labels: {
      project_id: endpoint.project_id,
      branch_id: endpoint.branch_id,
      branch_name: endpoint.branch_name,
    },
  }
}

/** Addresses that may connect to a branch; none where all may. */
function allowedIps(endpoint: {
  project_settings: ProjectSettings
  branch_is_default: boolean
  branch_is_protected: boolean
}): string[] {
  const list = endpoint.project_settings.allowed_ips ?? {}
  const isForOthers =
    (list.protected_branches_only === true && !endpoint.branch_is_protected) ||
    (list.primary_branch_only === true && !endpoint.branch_is_default)
  return isForOthers ? [] : (list.ips ?? [])
}
