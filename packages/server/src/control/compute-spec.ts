import type { PreloadLibraries, ProjectSettings } from '@coppice/api'

import { defaultLibraries } from '../compute/preload-libraries.ts'
import type { ComputeSpec, JwksSource } from '../compute/spec.ts'
import type { Context } from './context.ts'
import { blockedBecause } from './quota-text.ts'
import type { PlacedEndpoint } from './store/endpoints.ts'
import { volumeDataDirectory } from './volumes.ts'

/** What the host is told of an endpoint: directories and settings, with the defaults filled in. */
export function computeSpec(context: Context, endpoint: PlacedEndpoint): ComputeSpec {
  const timeout = endpoint.suspend_timeout_seconds
  const isReplica = endpoint.type === 'read_only'
  return {
    endpointId: endpoint.id,
    // A replica has a volume of its own, named after it.
    dataDirectory: volumeDataDirectory(
      context.volumes,
      isReplica ? endpoint.id : endpoint.volume_id,
    ),
    pgVersion: endpoint.pg_version,
    minComputeUnits: (endpoint.compute ?? endpoint).min_cu,
    maxComputeUnits: (endpoint.compute ?? endpoint).max_cu,
    sharedCompute: endpoint.compute_id ?? '',
    pgSettings: { ...endpoint.pg_settings, ...(isReplica && whatReplayNeeds(endpoint)) },
    suspendTimeoutSeconds: timeout === 0 ? context.settings.defaultSuspendTimeoutSeconds : timeout,
    disabled: endpoint.disabled,
    readOnly: isOverSize(endpoint),
    blockedBecause: blockedBecause(endpoint.project_id, endpoint.project_quota_exceeded),
    allowedIps: allowedIps(endpoint),
    poolerSettings: { ...endpoint.project_pgbouncer_settings, ...endpoint.pgbouncer_settings },
    jwks: endpoint.jwks.map(jwksSource),
    logicalReplication: endpoint.project_settings.enable_logical_replication === true,
    historyLine: !isReplica && endpoint.history_retention_seconds > 0 ? endpoint.volume_id : '',
    isStandby: isReplica,
    follows: (isReplica && endpoint.writer_id) || '',
    preloadLibraries: preloadLibraries(
      endpoint.preload_libraries ?? endpoint.project_settings.preload_libraries,
    ),
    blockPublicConnections: endpoint.project_settings.block_public_connections === true,
    quietApplications: endpoint.quiet_applications,
    labels: {
      project_id: endpoint.project_id,
      branch_id: endpoint.branch_id,
      branch_name: endpoint.branch_name,
    },
  }
}

function jwksSource(row: PlacedEndpoint['jwks'][number]): JwksSource {
  return {
    jwksUrl: row.jwks_url,
    roleNames: row.role_names,
    ...(row.jwt_audience !== null && { audience: row.jwt_audience }),
    ...(row.branch_id !== null && { branchId: row.branch_id }),
  }
}

/** Settings that a standby may not have lower than the server that it follows (manual, "Hot Standby"). */
const replaySettings = ['max_locks_per_transaction']

function whatReplayNeeds({ writer_pg_settings }: PlacedEndpoint): Record<string, string> {
  const settings = Object.entries(writer_pg_settings ?? {})
  return Object.fromEntries(settings.filter(([name]) => replaySettings.includes(name)))
}

/** Whether its branch holds more than each branch of the project may. */
export function isOverSize(
  endpoint: Pick<PlacedEndpoint, 'project_settings' | 'branch_logical_size_bytes'>,
): boolean {
  const limit = endpoint.project_settings.quota?.logical_size_bytes ?? 0
  return limit > 0 && (endpoint.branch_logical_size_bytes ?? 0) > limit
}

function preloadLibraries(wanted: PreloadLibraries = {}): string[] {
  const defaults = wanted.use_defaults === false ? [] : defaultLibraries
  return [...new Set([...defaults, ...(wanted.enabled_libraries ?? [])])]
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
