import { type Static, Type } from 'typebox'

import {
  EndpointSettings,
  PgbouncerSettings,
  PgbouncerSettingsChange,
  PoolerSettings,
} from './endpoint.ts'
import { Id, Timestamp } from './ids.ts'

export const Quota = Type.Object({
  active_time_seconds: Type.Optional(Type.Integer({ minimum: 0 })),
  compute_time_seconds: Type.Optional(Type.Integer({ minimum: 0 })),
  written_data_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
  data_transfer_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
  logical_size_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
})

export const ProjectSettings = Type.Object({
  quota: Type.Optional(Quota),
  allowed_ips: Type.Optional(
    Type.Object({
      ips: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 1000 })),
      protected_branches_only: Type.Optional(Type.Boolean()),
      /** Neon's older name for a narrower choice: the default branch alone. */
      primary_branch_only: Type.Optional(Type.Boolean()),
    }),
  ),
  /** Cannot be switched off again. */
  enable_logical_replication: Type.Optional(Type.Boolean()),
})
export type ProjectSettings = Static<typeof ProjectSettings>

/** Compute units from 0.25 upwards; 1 CU is one vCPU and 4 GB of memory. */
export const ComputeUnits = Type.Number({ minimum: 0.25, maximum: 64 })

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

export const ProjectCreate = Type.Object({
  project: Type.Object({
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    region_id: Type.Optional(Type.String()),
    org_id: Type.Optional(Type.String()),
    pg_version: Type.Optional(Type.Integer()),
    provisioner: Type.Optional(Type.String()),
    store_passwords: Type.Optional(Type.Boolean()),
    history_retention_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_592_000 })),
    settings: Type.Optional(ProjectSettings),
    branch: Type.Optional(
      Type.Object({
        name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
        role_name: Type.Optional(Type.String()),
        database_name: Type.Optional(Type.String()),
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
    history_retention_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_592_000 })),
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
