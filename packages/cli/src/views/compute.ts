import type { SharedCompute } from '@coppice/api'

import { formatComputeUnits, formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'

/** Computes that branches share, as a list. */
export async function computeTable(computes: readonly SharedCompute[]): Promise<string> {
  return renderTable<SharedCompute>(
    [
      { title: 'name', value: (compute) => compute.name },
      { title: 'size', value: sizeOf },
      { title: 'now', value: (compute) => compute.compute_units?.toString() },
      { title: 'endpoints', value: (compute) => String(compute.endpoint_ids.length) },
      { title: 'new branches', value: newBranchesOf },
      { title: 'id', value: (compute) => compute.id },
    ],
    computes,
  )
}

/** One of them, whole. */
export async function computeDetails(compute: SharedCompute): Promise<string> {
  return renderDetails([
    ['Compute', compute.name],
    ['ID', compute.id],
    ['Size', sizeOf(compute)],
    ['Now', compute.compute_units?.toString()],
    ['New branches', newBranchesOf(compute)],
    ['Endpoints', compute.endpoint_ids.join(', ') || undefined],
    ['Created', formatTime(compute.created_at)],
  ])
}

const newBranchesOf = ({ for_new_branches: isDefault }: SharedCompute): string | undefined =>
  isDefault ? 'share it' : undefined

const sizeOf = (compute: SharedCompute): string =>
  formatComputeUnits(compute.autoscaling_limit_min_cu, compute.autoscaling_limit_max_cu)
