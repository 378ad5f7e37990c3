import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { replay } from '../history/replay.ts'
import { requireBranch, requireProject } from '../lookups.ts'
import { unpackVolume } from '../packed-volume.ts'
import { listDatabases } from '../store/databases.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import { volumeDataDirectory } from '../volumes.ts'
import type { BackupHold } from './hold.ts'

/** A branch's data as a cluster that was stopped in order, on a clone that is held. */
export interface EjectedCluster {
  data_directory: string
  branch: string
  pg_version: number
  /** One of its databases and who owns it, for people to connect to; undefined where it has none. */
  database: { name: string; owner: string } | undefined
  /** That users have set on it. */
  pg_settings: Record<string, string>
}

/** Touches nothing of the branch. Rejects with AppError. */
export async function prepareEject(
  context: Context,
  hold: BackupHold,
  projectId: string,
  branchName: string,
): Promise<EjectedCluster> {
  const project = await requireProject(context, projectId)
  const branch = await requireBranch(context, projectId, branchName)
  await unpackVolume(context, branch.volume_id)
  const held = await hold.takeLine(branch.volume_id, branch.id)
  if (held === undefined) {
    throw new AppError('project_locked', `branch ${branch.name} is being changed; try again`)
  }
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const pgSettings = endpoints.find((one) => one.type === 'read_write')?.pg_settings ?? {}
  const pgVersion = project.pg_version
  // It recovers here, so that whoever starts it elsewhere finds a cluster that needs nothing.
  await replay(context, { volumeId: held.id, pgVersion, pgSettings }, async () => undefined)
  const [first] = await listDatabases(context.store, branch.id)
  return {
    data_directory: volumeDataDirectory(context.volumes, held.id),
    branch: branch.name,
    pg_version: pgVersion,
    database: first && { name: first.name, owner: first.owner_name },
    pg_settings: pgSettings,
  }
}
