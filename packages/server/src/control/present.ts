import type {
  Annotation,
  AnonymizedStatus,
  Branch,
  Database,
  Endpoint,
  Jwks,
  Operation,
  Project,
  Role,
  SavedQuery,
  SharedCompute,
  Snapshot,
} from '@coppice/api'

import { organization, owner } from './account.ts'
import { portSuffix } from './connection-uri.ts'
import type { Settings } from './context.ts'
import { poolerSettingsInForce } from './pooler-settings.ts'
import type { SharedComputeState } from './shared-computes.ts'
import type { AnonymizedBranchRow } from './store/anonymized-branches.ts'
import type { BranchRow } from './store/branches.ts'
import type { DatabaseRow } from './store/databases.ts'
import type { EndpointRow } from './store/endpoints.ts'
import type { JwksRow } from './store/jwks.ts'
import type { OperationRow } from './store/operations.ts'
import type { ProjectRow } from './store/projects.ts'
import type { RoleRow } from './store/roles.ts'
import type { SavedQueryRow } from './store/saved-queries.ts'
import type { SnapshotRow } from './store/snapshots.ts'
import { isOfPeriod, usageCounters } from './usage-counters.ts'
import { startOfMonth } from './usage-period.ts'

/**
 * Rows as the API shows them. Names are Neon's; fields that it requires and that have no meaning on
 * one's own machine carry the value that is true here (there is one owner, and no size limit).
 */

const creationSource = 'console'
const provisioner = 'k8s-neonvm'
/** Neon's own bound, 16 TiB, where no quota is set. */
const branchSizeLimitBytes = 16 * 1024 ** 4

export function presentProject(
  row: ProjectRow,
  settings: Settings,
  databases?: readonly DatabaseRow[],
): Project {
  const { pgbouncer_settings = {} } = row.default_endpoint_settings
  const sizeQuotaBytes = row.settings.quota?.logical_size_bytes ?? 0
  const sizeLimitBytes = sizeQuotaBytes > 0 ? sizeQuotaBytes : branchSizeLimitBytes
  const now = new Date()
  const counters = usageCounters(row.usage, now)
  const usage = isOfPeriod(row.usage, now) ? row.usage : undefined
  return {
    id: row.id,
    platform_id: 'coppice',
    region_id: row.region_id,
    name: row.name,
    provisioner,
    default_endpoint_settings: {
      ...row.default_endpoint_settings,
      pgbouncer_settings,
      suspend_timeout_seconds: row.default_endpoint_settings.suspend_timeout_seconds ?? 0,
    },
    pooler_settings: poolerSettingsInForce(pgbouncer_settings),
    settings: row.settings,
    pg_version: row.pg_version,
    proxy_host: settings.domain,
    branch_logical_size_limit: Math.floor(sizeLimitBytes / 1024 / 1024),
    branch_logical_size_limit_bytes: sizeLimitBytes,
    store_passwords: row.store_passwords,
    creation_source: creationSource,
    history_retention_seconds: row.history_retention_seconds,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    synthetic_storage_size: usage?.storage_bytes ?? 0,
    consumption_period_start: startOfMonth(now).toISOString(),
    consumption_period_end: startOfMonth(now, 1).toISOString(),
    owner_id: owner.id,
    org_id: organization.id,
    org_name: organization.name,
    ...counters,
    active_time: counters.active_time_seconds,
    data_storage_bytes_hour: usage?.storage_bytes_hour ?? 0,
    ...(row.deleted_at && { deleted_at: row.deleted_at.toISOString() }),
    ...(row.recoverable_until && { recoverable_until: row.recoverable_until.toISOString() }),
    ...(databases && {
      databases: databases.map(({ name, branch_id, size_bytes }) => ({
        name,
        branch_id,
        size_bytes,
      })),
    }),
  }
}

export function presentBranch(row: BranchRow): Branch {
  return {
    id: row.id,
    project_id: row.project_id,
    ...(row.parent_id !== null && { parent_id: row.parent_id }),
    ...(row.parent_lsn !== null && { parent_lsn: row.parent_lsn }),
    ...(row.parent_timestamp && { parent_timestamp: row.parent_timestamp.toISOString() }),
    name: row.name,
    current_state: row.archived_at === null ? 'ready' : 'archived',
    state_changed_at: (row.archived_at ?? row.ready_at ?? row.created_at).toISOString(),
    ...(row.logical_size_bytes !== null && { logical_size: row.logical_size_bytes }),
    creation_source: creationSource,
    primary: row.is_default,
    default: row.is_default,
    protected: row.protected,
    ...usageCounters(row.usage, new Date()),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    ...(row.expires_at && {
      expires_at: row.expires_at.toISOString(),
      ttl_interval_seconds: Math.round(
        (row.expires_at.getTime() - row.created_at.getTime()) / 1000,
      ),
    }),
    ...(row.last_reset_at && { last_reset_at: row.last_reset_at.toISOString() }),
    init_source: row.init_source,
    ...(row.restore_status !== null && { restore_status: row.restore_status }),
    ...(row.restored_from !== null && { restored_from: row.restored_from }),
    ...(row.restored_as !== null && { restored_as: row.restored_as }),
    ...(row.deleted_at &&
      row.recoverable_until && {
        recovery: {
          deleted_at: row.deleted_at.toISOString(),
          recoverable_until: row.recoverable_until.toISOString(),
          deletion_method: hasExpired(row) ? 'ttl' : 'user',
        },
      }),
  }
}

export function presentAnonymizedStatus({
  branch,
  row,
}: {
  branch: BranchRow
  row: AnonymizedBranchRow
}): AnonymizedStatus {
  return {
    project_id: branch.project_id,
    branch_id: branch.id,
    state: row.state,
    ...(row.status_message !== null && { status_message: row.status_message }),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    ...(row.failed_at && { failed_at: row.failed_at.toISOString() }),
    ...(row.run_started_at && {
      last_run: {
        started_at: row.run_started_at.toISOString(),
        ...(row.run_completed_at && { completed_at: row.run_completed_at.toISOString() }),
        ...(row.run_masked_columns !== null && { masked_columns: row.run_masked_columns }),
      },
    }),
  }
}

export function presentSnapshot(row: SnapshotRow): Snapshot {
  return {
    id: row.id,
    name: row.name,
    ...(row.slug !== null && { slug: row.slug }),
    ...(row.lsn !== null && { lsn: row.lsn }),
    ...(row.timestamp && { timestamp: row.timestamp.toISOString() }),
    ...(row.source_branch_id !== null && { source_branch_id: row.source_branch_id }),
    created_at: row.created_at.toISOString(),
    ...(row.expires_at && { expires_at: row.expires_at.toISOString() }),
    manual: row.manual,
    ...(row.logical_size_bytes !== null && { full_size: row.logical_size_bytes }),
    verification: {
      status: row.verification,
      ...(row.verified_at && { verified_at: row.verified_at.toISOString() }),
      ...(row.verification_detail !== null && { detail: row.verification_detail }),
    },
  }
}

const hasExpired = ({ expires_at, deleted_at }: BranchRow): boolean =>
  expires_at !== null && deleted_at !== null && expires_at <= deleted_at

/** Present also where nothing was noted, as Neon's is. */
export function presentAnnotation(row: BranchRow): Annotation {
  return {
    object: { type: 'console/branch', id: row.id },
    value: row.annotation,
    created_at: row.created_at.toISOString(),
    updated_at: row.created_at.toISOString(),
  }
}

/** Those of a list, by branch; only where something was noted. */
export function presentAnnotations(rows: readonly BranchRow[]): Record<string, Annotation> {
  const annotated = rows.filter((row) => Object.keys(row.annotation).length > 0)
  return Object.fromEntries(annotated.map((row) => [row.id, presentAnnotation(row)]))
}

export function presentEndpoint(row: EndpointRow, settings: Settings): Endpoint {
  const pooler = poolerSettingsInForce(row.project_pgbouncer_settings, row.pgbouncer_settings)
  return {
    host: endpointHost(row.id, settings),
    id: row.id,
    ...(row.name !== null && { name: row.name }),
    project_id: row.project_id,
    branch_id: row.branch_id,
    autoscaling_limit_min_cu: (row.compute ?? row).min_cu,
    autoscaling_limit_max_cu: (row.compute ?? row).max_cu,
    ...(row.compute && { compute_id: row.compute.id, compute_name: row.compute.name }),
    region_id: settings.region,
    type: row.type,
    current_state: row.current_state,
    settings: {
      pg_settings: row.pg_settings,
      pgbouncer_settings: row.pgbouncer_settings,
      ...(row.preload_libraries && { preload_libraries: row.preload_libraries }),
    },
    pooler_enabled: row.pooler_enabled,
    pooler_mode: pooler.pool_mode,
    pooler_settings: pooler,
    disabled: row.disabled,
    passwordless_access: false,
    ...(row.last_active && { last_active: row.last_active.toISOString() }),
    creation_source: creationSource,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    ...(row.started_at && { started_at: row.started_at.toISOString() }),
    ...(row.suspended_at && { suspended_at: row.suspended_at.toISOString() }),
    proxy_host: settings.domain,
    suspend_timeout_seconds: row.suspend_timeout_seconds,
    provisioner,
  }
}

/** Neon's clients replace the id within the host, so it must be there; the port that may follow they keep. */
export function endpointHost(endpointId: string, settings: Settings): string {
  const port = settings.hostHasPort ? portSuffix(settings.publicPorts.direct) : ''
  return `${endpointId}.${settings.domain}${port}`
}

export function presentRole(row: RoleRow, password?: string): Role {
  return {
    branch_id: row.branch_id,
    name: row.name,
    ...(password !== undefined && { password }),
    protected: false,
    authentication_method: row.can_login ? 'password' : 'no_login',
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

export function presentDatabase(row: DatabaseRow): Database {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

export function presentOperation(row: OperationRow): Operation {
  const end = row.finished_at ?? new Date()
  return {
    id: row.id,
    project_id: row.project_id,
    ...(row.branch_id !== null && { branch_id: row.branch_id }),
    ...(row.endpoint_id !== null && { endpoint_id: row.endpoint_id }),
    action: row.action,
    status: row.status,
    ...(row.error !== null && { error: row.error }),
    failures_count: row.failures_count,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    total_duration_ms: Math.max(0, end.getTime() - row.created_at.getTime()),
  }
}

export function presentSharedCompute({ compute, units }: SharedComputeState): SharedCompute {
  return {
    id: compute.id,
    project_id: compute.project_id,
    name: compute.name,
    autoscaling_limit_min_cu: compute.min_cu,
    autoscaling_limit_max_cu: compute.max_cu,
    for_new_branches: compute.for_new_branches,
    ...(units !== undefined && { compute_units: units }),
    endpoint_ids: compute.endpoint_ids,
    created_at: compute.created_at.toISOString(),
    updated_at: compute.updated_at.toISOString(),
  }
}

export const presentSavedQuery = (row: SavedQueryRow): SavedQuery => ({
  ...row,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export function presentJwks(row: JwksRow): Jwks {
  return {
    id: row.id,
    project_id: row.project_id,
    ...(row.branch_id !== null && { branch_id: row.branch_id }),
    jwks_url: row.jwks_url,
    provider_name: row.provider_name,
    ...(row.jwt_audience !== null && { jwt_audience: row.jwt_audience }),
    role_names: row.role_names,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
