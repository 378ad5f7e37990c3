import type { Branch, BranchRestore, Snapshot, SnapshotRestore, SnapshotUpdate } from '@coppice/api'

import { branchOf, FakeError, type Handler, makeOperation } from './fake-handlers.ts'
import { addBranch, type World } from './fake-world.ts'

const at = '2026-02-01T00:00:00Z'

/** Restoring, snapshots and schemas: what is asked is noted in the world, no data moves. */
export function historyHandlers(world: World): Record<string, Handler> {
  return { ...restoreHandlers(world), ...snapshotHandlers(world) }
}

function restoreHandlers(world: World): Record<string, Handler> {
  return {
    restoreProjectBranch({ path, body }) {
      const branch = branchOf(world, path)
      const { preserve_under_name: name, source_branch_id: sourceId } = body as BranchRestore
      branchOf(world, { ...path, branch_id: sourceId })
      const backup = name === undefined ? undefined : keep(world, branch, name)
      Object.assign(branch, { last_reset_at: at, ...(backup && { parent_id: backup.id }) })
      return { branch, operations: [makeOperation(branch)] }
    },
    finalizeRestoreBranch: ({ path }) => ({
      operations: [makeOperation(branchOf(world, path))],
    }),
    getProjectBranchHistory({ path }) {
      const branch = branchOf(world, path)
      return {
        history: {
          retention_seconds: 86_400,
          earliest: { timestamp: at, lsn: '0/16B3748' },
          latest: { timestamp: '2026-02-01T12:00:00Z', lsn: '0/2000000' },
          lines: [
            { branch_id: branch.id, branch_name: branch.name, deleted: false, snapshots: [] },
          ],
          wal_bytes: 4_194_304,
          snapshot_bytes: 1_048_576,
        },
      }
    },
    getProjectBranchSchemaComparison({ path, query }) {
      branchOf(world, path)
      return { diff: world.schemaDiffs[query['db_name'] ?? ''] ?? '' }
    },
  }
}

function keep(world: World, branch: Branch, name: string): Branch {
  return addBranch(world, branch.project_id, { name, parentId: branch.parent_id })
}

function snapshotHandlers(world: World): Record<string, Handler> {
  const snapshotOf = (path: Record<string, string>): Snapshot => {
    const found = world.snapshots.find((one) => one.id === path['snapshot_id'])
    if (!found) throw new FakeError('snapshot_not_found', 'snapshot does not exist')
    return found
  }
  return {
    listSnapshots: () => ({ snapshots: world.snapshots }),
    createSnapshot({ path, query }) {
      const branch = branchOf(world, path)
      const snapshot: Snapshot = {
        id: `snap-quiet-sea-${String(world.snapshots.length + 1).padStart(8, '0')}`,
        name: query['name'] ?? 'generated',
        ...(query['slug'] !== undefined && { slug: query['slug'] }),
        source_branch_id: branch.id,
        created_at: at,
        ...(query['expires_at'] !== undefined && { expires_at: query['expires_at'] }),
        manual: true,
        full_size: 31_000_000,
        verification: { status: 'failed', verified_at: at, detail: 'checksum of block 7' },
      }
      world.snapshots.push(snapshot)
      return { snapshot, operations: [] }
    },
    updateSnapshot({ path, body }) {
      const snapshot = snapshotOf(path)
      const { name, expires_at: expiresAt } = (body as SnapshotUpdate).snapshot
      if (name !== undefined) snapshot.name = name
      if (expiresAt === null) delete snapshot.expires_at
      else if (expiresAt !== undefined) snapshot.expires_at = expiresAt
      return { snapshot }
    },
    deleteSnapshot({ path }) {
      const snapshot = snapshotOf(path)
      world.snapshots = world.snapshots.filter((one) => one !== snapshot)
      return { operations: [] }
    },
    restoreSnapshot({ path, body }) {
      const { id, source_branch_id: sourceId } = snapshotOf(path)
      const { name } = (body ?? {}) as SnapshotRestore
      const projectId = path['project_id'] ?? ''
      const branch = addBranch(world, projectId, { name: name ?? 'restored', parentId: sourceId })
      Object.assign(branch, { restore_status: 'restored', restored_from: id })
      return { branch, operations: [] }
    },
    getSnapshotSchedule: () => ({ schedule: world.schedule }),
    setSnapshotSchedule({ body }) {
      world.schedule = (body as { schedule: World['schedule'] }).schedule
      return {}
    },
  }
}
