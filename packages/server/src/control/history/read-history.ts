import type { BranchHistory } from '@coppice/api'

import { renderLsn } from '../../lib/lsn.ts'
import type { Context } from '../context.ts'
import { requireBranch, requireProject } from '../lookups.ts'
import type { LineSnapshotRow } from '../store/line-snapshots.ts'
import { endOf, sourceOf } from './materialize.ts'
import { earliestReachable, pastLines } from './moments.ts'

export async function readHistory(
  context: Context,
  projectId: string,
  branchName: string,
): Promise<BranchHistory> {
  const project = await requireProject(context, projectId)
  const branch = await requireBranch(context, projectId, branchName)
  const lines = await pastLines(context, branch)
  const earliest = earliestReachable(project, lines)
  const own = lines[0]?.snapshots ?? []
  const files = await context.history.wal.list(branch.volume_id)
  const snapshotBytes = await exclusiveBytes(context, own)
  return {
    retention_seconds: project.history_retention_seconds,
    ...(earliest && {
      earliest: { timestamp: earliest.at.toISOString(), lsn: renderLsn(earliest.lsn) },
      latest: {
        timestamp: new Date().toISOString(),
        lsn: renderLsn(await endOf(sourceOf(context, branch))),
      },
    }),
    lines: lines.map(({ owner, until, snapshots }) => ({
      branch_id: owner.id,
      branch_name: owner.name,
      deleted: owner.deleted_at !== null,
      ...(until?.time && {
        until: {
          timestamp: until.time.toISOString(),
          ...(until.lsn !== null && { lsn: until.lsn }),
        },
      }),
      snapshots: snapshots.map((row) => ({
        timestamp: row.taken_at.toISOString(),
        lsn: renderLsn(row.lsn_to),
      })),
    })),
    wal_bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    ...(snapshotBytes !== undefined && { snapshot_bytes: snapshotBytes }),
  }
}

/** What of the space would come back if they went. */
async function exclusiveBytes(
  context: Context,
  snapshots: readonly LineSnapshotRow[],
): Promise<number | undefined> {
  let sum = 0
  for (const { id } of snapshots) {
    const { exclusiveBytes: bytes } = await context.volumes.usage(id)
    if (bytes === undefined) return undefined
    sum += bytes
  }
  return sum
}
