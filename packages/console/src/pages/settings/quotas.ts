import type { Project } from '@coppice/api'

type Quota = NonNullable<Project['settings']['quota']>

export interface QuotaText {
  name: keyof Quota
  label: string
  detail: string
  unit: string
  /** So many of the API's own units are one of these. */
  size: number
  /** What is used of it in this period; absent where it is not of a period. */
  used?: (project: Project) => number
}

const gb = 1e9

/** What a project may use in a month, as people count it. */
export const quotas: readonly QuotaText[] = [
  {
    name: 'compute_time_seconds',
    label: 'Compute',
    detail: 'All computes together, by their size',
    unit: 'CU-hours',
    size: 3600,
    used: (project) => project.compute_time_seconds,
  },
  {
    name: 'active_time_seconds',
    label: 'Awake',
    detail: 'All computes together, whatever their size',
    unit: 'hours',
    size: 3600,
    used: (project) => project.active_time_seconds,
  },
  {
    name: 'written_data_bytes',
    label: 'Written',
    detail: 'WAL of all branches',
    unit: 'GB',
    size: gb,
    used: (project) => project.written_data_bytes,
  },
  {
    name: 'data_transfer_bytes',
    label: 'Transfer',
    detail: 'Sent to clients',
    unit: 'GB',
    size: gb,
    used: (project) => project.data_transfer_bytes,
  },
  {
    name: 'logical_size_bytes',
    label: 'Size of a branch',
    detail: 'Each branch by itself; one that is larger becomes read-only',
    unit: 'GB',
    size: gb,
  },
]

/** As the API takes it: whole seconds or bytes, 0 for no limit. A field that is empty is none. */
export function quotaOf(fields: (name: keyof Quota) => string): Quota {
  return Object.fromEntries(
    quotas.map(({ name, size }) => [name, Math.round(Number(fields(name) || 0) * size)]),
  )
}
