import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { freshCloneSignal } from '../../compute/fresh-clone.ts'
import type { Cluster } from '../../compute/superuser.ts'
import { cloneSource, cloneVolume } from '../clone-volume.ts'
import type { Context } from '../context.ts'
import { requireProject } from '../lookups.ts'
import type { BranchRow } from '../store/branches.ts'
import { volumeDataDirectory } from '../volumes.ts'
import { materializeMoment } from './materialize.ts'
import type { Moment } from './moments.ts'
import { replay } from './replay.ts'
import { withScratch } from './scratch.ts'

/**
 * Runs work in a cluster with a branch's data, now or at a moment, that nobody else uses and that is
 * thrown away: it may be written to, and costs the branch's compute nothing.
 */
export async function onPrivateClone<T>(
  context: Context,
  branch: BranchRow,
  moment: Moment | undefined,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const project = await requireProject(context, branch.project_id)
  return withScratch(context, async (volumeId) => {
    if (moment !== undefined) {
      const request = { project, branch, moment, volumeId, catalogNow: undefined, work }
      return (await materializeMoment(context, request)).value
    }
    await cloneVolume(context, await cloneSource(context, branch), volumeId)
    // It recovers as after a crash: a standby would wait to be promoted.
    const dataDirectory = volumeDataDirectory(context.volumes, volumeId)
    await rm(join(dataDirectory, freshCloneSignal), { force: true })
    return replay(context, { volumeId, pgVersion: project.pg_version, pgSettings: {} }, work)
  })
}
