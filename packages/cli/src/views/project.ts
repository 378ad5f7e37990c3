import type { Project } from '@coppice/api'

import {
  formatBytes,
  formatComputeUnits,
  formatDuration,
  formatMoment,
  formatSuspendTimeout,
  formatTime,
} from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'
import { poolerInForce, poolerSet } from './pooler.ts'

/** Projects as a list, with the bytes of all their databases. */
export async function projectTable(projects: readonly Project[]): Promise<string> {
  return renderTable<Project>(
    [
      { title: 'id', value: (project) => project.id },
      { title: 'name', value: (project) => project.name },
      { title: 'postgres', value: (project) => String(project.pg_version) },
      { title: 'size', value: sizeOf },
      { title: 'created', value: (project) => formatTime(project.created_at) },
      { title: 'recoverable until', value: (project) => formatMoment(project.recoverable_until) },
    ],
    projects,
  )
}

/** One project, whole. */
export async function projectDetails(project: Project): Promise<string> {
  const settings = project.default_endpoint_settings
  const { autoscaling_limit_min_cu: min, autoscaling_limit_max_cu: max } = settings
  const suspend = settings.suspend_timeout_seconds
  return renderDetails([
    ['Project', project.name],
    ['ID', project.id],
    ['PostgreSQL', String(project.pg_version)],
    ['Region', project.region_id],
    ['Size', sizeOf(project)],
    ['Computes', min === undefined || max === undefined ? undefined : formatComputeUnits(min, max)],
    ['Suspend', suspend === undefined ? undefined : formatSuspendTimeout(suspend)],
    ['Pooler', poolerInForce(project.pooler_settings)],
    ['Pooler set', poolerSet(settings.pgbouncer_settings)],
    ['Allowed IPs', allowedIps(project)],
    ['Replication', project.settings.enable_logical_replication ? 'logical' : undefined],
    ['History', formatDuration(project.history_retention_seconds)],
    ['Created', formatTime(project.created_at)],
    ['Deleted', formatTime(project.deleted_at)],
    ['Recoverable', formatMoment(project.recoverable_until)],
  ])
}

/** What can still be done about a project that has been deleted. */
export function recoveryHint(project: Project): string {
  const end = formatMoment(project.recoverable_until)
  if (end === undefined) return `Project ${project.name} is deleted for good.`
  return (
    `Project ${project.name} is deleted. It can be brought back until ${end}:\n` +
    `  coppice projects recover ${project.id}`
  )
}

function allowedIps({ settings: { allowed_ips: allowed } }: Project): string | undefined {
  if (!allowed?.ips || allowed.ips.length === 0) return undefined
  const list = allowed.ips.join(', ')
  return allowed.protected_branches_only ? `${list} (protected branches only)` : list
}

function sizeOf({ databases }: Project): string | undefined {
  if (!databases) return undefined
  return formatBytes(databases.reduce((sum, database) => sum + database.size_bytes, 0))
}
