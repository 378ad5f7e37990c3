import { type Static, Type } from 'typebox'

import { AnnotationValue } from './branch.ts'
import { ComputeUnits } from './compute.ts'
import {
  EndpointSettings,
  PgbouncerSettings,
  PgbouncerSettingsChange,
  PoolerSettings,
  PreloadLibraries,
  Provisioner,
} from './endpoint.ts'
import { Id, Timestamp } from './ids.ts'

/** Whole, exact in a double, and no bound at all where it is 0. */
const Allowance = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

export const Quota = Type.Object({
  active_time_seconds: Allowance,
  compute_time_seconds: Allowance,
  written_data_bytes: Allowance,
  data_transfer_bytes: Allowance,
  logical_size_bytes: Allowance,
})

const timeOfDay = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' })

/** When the owner wants upkeep to happen, in UTC. Kept for tools; the platform does none by itself. */
export const MaintenanceWindow = Type.Object({
  /** 1 is Monday. */
  weekdays: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), { minItems: 1, maxItems: 7 }),
  start_time: timeOfDay,
  end_time: timeOfDay,
})

export const maxAllowedIps = 1000

export const ProjectSettings = Type.Object({
  quota: Type.Optional(Quota),
  allowed_ips: Type.Optional(
    Type.Object({
      ips: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: maxAllowedIps })),
      protected_branches_only: Type.Optional(Type.Boolean()),
      /** Neon's older name for a narrower choice: the default branch alone. */
      primary_branch_only: Type.Optional(Type.Boolean()),
    }),
  ),
  /** Cannot be switched off again. */
  enable_logical_replication: Type.Optional(Type.Boolean()),
  maintenance_window: Type.Optional(MaintenanceWindow),
  /** Clients from this machine alone may connect, whatever `allowed_ips` says. */
  block_public_connections: Type.Optional(Type.Boolean()),
  /** True of every project: there are no VPC endpoints. */
  block_vpc_connections: Type.Optional(Type.Boolean()),
  /** Of every compute of the project that has none of its own. */
  preload_libraries: Type.Optional(PreloadLibraries),
  /** Refused. */
  audit_log_level: Type.Optional(
    Type.Union([Type.Literal('base'), Type.Literal('extended'), Type.Literal('full')]),
  ),
  /** Refused unless false. */
  hipaa: Type.Optional(Type.Boolean()),
})
export type ProjectSettings = Static<typeof ProjectSettings>

/** Seconds without activity before a compute is suspended: 0 is the platform's default, -1 never. */
export const SuspendTimeout = Type.Integer({ minimum: -1, maximum: 604_800 })

const defaultEndpointSettings = {
  pg_settings: Type.Optional(Type.Record(Type.String(), Type.String())),
  pgbouncer_settings: Type.Optional(PgbouncerSettings),
  autoscaling_limit_min_cu: Type.Optional(ComputeUnits),
  autoscaling_limit_max_cu: Type.Optional(ComputeUnits),
  suspend_timeout_seconds: Type.Optional(SuspendTimeout),
}

/** What new computes get; `pgbouncer_settings` also apply to those that there are, below their own. */
export const DefaultEndpointSettings = Type.Object(defaultEndpointSettings)
export type DefaultEndpointSettings = Static<typeof DefaultEndpointSettings>

/** A database of a project's list item, with its size: `jq '.projects[].databases[].size_bytes'`. */
export const ProjectDatabase = Type.Object({
  name: Type.String(),
  branch_id: Id,
  size_bytes: Type.Integer(),
})

/** A library that computes can preload. */
export const PreloadLibrary = Type.Object({
  library_name: Type.String(),
  description: Type.String(),
  is_default: Type.Boolean(),
  is_experimental: Type.Boolean(),
  version: Type.String(),
})
export type PreloadLibrary = Static<typeof PreloadLibrary>

export const ProjectPermission = Type.Object({
  id: Type.String(),
  granted_to_email: Type.String(),
  granted_at: Timestamp,
  revoked_at: Type.Optional(Timestamp),
})

/** Not in Neon's document, but its own tests ask for it; -1 is no limit. */
export const ProjectLimits = Type.Object({
  max_branches: Type.Integer(),
  max_read_only_endpoints: Type.Integer(),
  max_allowed_ips: Type.Integer(),
  max_autoscaling_cu: Type.Number(),
  max_history_retention_seconds: Type.Integer(),
})

export const Project = Type.Object({
  id: Id,
  platform_id: Type.String(),
  region_id: Type.String(),
  name: Type.String(),
  provisioner: Type.String(),
  default_endpoint_settings: DefaultEndpointSettings,
  pooler_settings: Type.Optional(PoolerSettings),
  settings: ProjectSettings,
  pg_version: Type.Integer(),
  proxy_host: Type.String(),
  branch_logical_size_limit: Type.Integer(),
  branch_logical_size_limit_bytes: Type.Integer(),
  store_passwords: Type.Boolean(),
  creation_source: Type.String(),
  history_retention_seconds: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
  synthetic_storage_size: Type.Integer(),
  consumption_period_start: Timestamp,
  consumption_period_end: Timestamp,
  owner_id: Type.String(),
  org_id: Type.Optional(Type.String()),
  org_name: Type.Optional(Type.String()),
  compute_last_active_at: Type.Optional(Timestamp),
  cpu_used_sec: Type.Integer(),
  active_time: Type.Integer(),
  data_storage_bytes_hour: Type.Integer(),
  data_transfer_bytes: Type.Integer(),
  written_data_bytes: Type.Integer(),
  compute_time_seconds: Type.Integer(),
  active_time_seconds: Type.Integer(),
  deleted_at: Type.Optional(Timestamp),
  recoverable_until: Type.Optional(Timestamp),
  databases: Type.Optional(Type.Array(ProjectDatabase)),
})
export type Project = Static<typeof Project>

/** Thirty days at most. */
export const maxHistoryRetentionSeconds = 2_592_000
const HistoryRetention = Type.Integer({ minimum: 0, maximum: maxHistoryRetentionSeconds })

export const ProjectCreate = Type.Object({
  project: Type.Object({
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    region_id: Type.Optional(Type.String()),
    org_id: Type.Optional(Id),
    pg_version: Type.Optional(Type.Integer({ minimum: 14, maximum: 18 })),
    provisioner: Type.Optional(Provisioner),
    store_passwords: Type.Optional(Type.Boolean()),
    history_retention_seconds: Type.Optional(HistoryRetention),
    settings: Type.Optional(ProjectSettings),
    branch: Type.Optional(
      Type.Object({
        name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
        role_name: Type.Optional(Type.String()),
        database_name: Type.Optional(Type.String()),
        annotations: Type.Optional(AnnotationValue),
      }),
    ),
    autoscaling_limit_min_cu: Type.Optional(ComputeUnits),
    autoscaling_limit_max_cu: Type.Optional(ComputeUnits),
    default_endpoint_settings: Type.Optional(DefaultEndpointSettings),
    endpoint_settings: Type.Optional(EndpointSettings),
  }),
})
export type ProjectCreate = Static<typeof ProjectCreate>

export const ProjectUpdate = Type.Object({
  project: Type.Object({
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    history_retention_seconds: Type.Optional(HistoryRetention),
    settings: Type.Optional(ProjectSettings),
    default_endpoint_settings: Type.Optional(
      Type.Object({
        ...defaultEndpointSettings,
        pgbouncer_settings: Type.Optional(PgbouncerSettingsChange),
      }),
    ),
    /** The mission's name for `default_endpoint_settings.autoscaling_limit_max_cu`. */
    autoscale_limit: Type.Optional(ComputeUnits),
  }),
})
export type ProjectUpdate = Static<typeof ProjectUpdate>
