import type { ClusterCatalog } from '../../compute/spec.ts'
import { renderLsn } from '../../lib/lsn.ts'
import { findBranchCompute } from '../branch-compute.ts'
import { type BesideClone, cloneSource, cloneVolume } from '../clone-volume.ts'
import type { Context } from '../context.ts'
import { requireProject } from '../lookups.ts'
import type { BranchRow, Origin } from '../store/branches.ts'
import { takeFirstSnapshot } from './line-snapshots.ts'
import { materializeMoment } from './materialize.ts'
import type { Moment } from './moments.ts'

export interface VolumeRequest {
  source: BranchRow
  /** The present unless given. */
  moment: Moment | undefined
  volumeId: string
  /** Whether anything will ever be written to it. */
  isFrozen?: boolean
  /** Told of the roles and databases that the volume has, as soon as they are known. */
  beside: BesideClone
}

/** A volume with a branch's data, now or at a moment, and its line with a first snapshot. */
export async function makeVolume(
  context: Context,
  request: VolumeRequest,
): Promise<{ origin: Origin }> {
  const { source, moment, volumeId, beside } = request
  const project = await requireProject(context, source.project_id)
  const keepsHistory = project.history_retention_seconds > 0 && request.isFrozen !== true
  if (moment === undefined) {
    const { bounds, parentLsn, parentTimestamp } = await cloneVolume(
      context,
      await cloneSource(context, source),
      volumeId,
      beside,
    )
    if (keepsHistory) await takeFirstSnapshot(context, volumeId, bounds)
    return { origin: { line: source.volume_id, lsn: parentLsn, time: parentTimestamp } }
  }
  const made = await materializeMoment(context, {
    project,
    branch: source,
    moment,
    volumeId,
    catalogNow: await currentCatalog(context, source),
    work: async () => undefined,
  })
  await beside(made.catalog)
  if (keepsHistory) await takeFirstSnapshot(context, volumeId)
  const lsn = made.lsn === undefined ? null : renderLsn(made.lsn)
  return { origin: { line: made.originLine, lsn, time: made.time } }
}

/** Of a branch with a compute; without waking it. */
export async function currentCatalog(
  context: Context,
  branch: BranchRow,
): Promise<ClusterCatalog | undefined> {
  return (await findBranchCompute(context, branch.id))?.catalog()
}
