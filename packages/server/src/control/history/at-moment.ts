import type { Cluster } from '../../compute/superuser.ts'
import { requireBranchCompute } from '../branch-compute.ts'
import type { Context } from '../context.ts'
import { requireProject } from '../lookups.ts'
import type { BranchRow } from '../store/branches.ts'
import { materializeMoment } from './materialize.ts'
import type { Moment } from './moments.ts'
import { withScratch } from './scratch.ts'

/** Looks at a branch now, waking its compute, or at a moment of its past, on a volume for the purpose. */
export async function atMoment<T>(
  context: Context,
  branch: BranchRow,
  moment: Moment | undefined,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  if (moment === undefined) return work(await requireBranchCompute(context, branch))
  const project = await requireProject(context, branch.project_id)
  return withScratch(context, async (volumeId) => {
    const request = { project, branch, moment, volumeId, catalogNow: undefined, work }
    return (await materializeMoment(context, request)).value
  })
}
