import { Type } from 'typebox'

import { BranchHistory } from '../branch-history.ts'
import { Branch, BranchRestore } from '../branch.ts'
import { Operation } from '../operation.ts'
import { BranchPath, ProjectPath, SnapshotPath } from '../paths.ts'
import { route } from '../route.ts'
import {
  BackupSchedule,
  Snapshot,
  SnapshotCreate,
  SnapshotRestore,
  SnapshotUpdate,
} from '../snapshot.ts'

const Operations = Type.Array(Operation)
const BranchAnswer = Type.Object({ branch: Branch, operations: Operations })

/** Restoring a branch, and points of it that are kept. */
export const historyRoutes = {
  restoreProjectBranch: route('restoreProjectBranch', {
    summary: 'Replace the data of a branch by that of a branch at a moment; its address stays',
    tag: 'Branch',
    path: BranchPath,
    body: BranchRestore,
    status: 200,
    response: BranchAnswer,
  }),
  resetProjectBranchToParent: route('resetProjectBranchToParent', {
    summary: 'Replace the data of a branch by that of its parent now',
    tag: 'Branch',
    path: BranchPath,
    status: 200,
    response: BranchAnswer,
  }),
  finalizeRestoreBranch: route('finalizeRestoreBranch', {
    summary: 'Move the computes of the branch that a snapshot was restored for to the restored one',
    tag: 'Branch',
    path: BranchPath,
    body: Type.Union([
      Type.Object({ name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })) }),
      Type.Null(),
    ]),
    status: 200,
    response: Type.Object({ operations: Operations }),
  }),
  getProjectBranchHistory: route('getProjectBranchHistory', {
    summary: 'Get what of the past of a branch can be reached, and what keeping it costs',
    tag: 'Branch',
    path: BranchPath,
    status: 200,
    response: Type.Object({ history: BranchHistory }),
  }),
  createSnapshot: route('createSnapshot', {
    summary: 'Keep a branch as it is, or as it was at a moment',
    tag: 'Snapshot',
    path: BranchPath,
    query: SnapshotCreate,
    status: 200,
    response: Type.Object({ snapshot: Snapshot, operations: Operations }),
  }),
  listSnapshots: route('listSnapshots', {
    summary: 'List snapshots, newest first',
    tag: 'Snapshot',
    path: ProjectPath,
    status: 200,
    response: Type.Object({ snapshots: Type.Array(Snapshot) }),
  }),
  updateSnapshot: route('updateSnapshot', {
    summary: 'Rename a snapshot or change when it expires',
    tag: 'Snapshot',
    path: SnapshotPath,
    body: SnapshotUpdate,
    status: 200,
    response: Type.Object({ snapshot: Snapshot }),
  }),
  deleteSnapshot: route('deleteSnapshot', {
    summary: 'Delete a snapshot, for good',
    tag: 'Snapshot',
    path: SnapshotPath,
    status: 202,
    response: Type.Object({ operations: Operations }),
  }),
  restoreSnapshot: route('restoreSnapshot', {
    summary: 'Make a branch of a snapshot; with finalize_restore it takes the place of its source',
    tag: 'Snapshot',
    path: SnapshotPath,
    query: Type.Object({ name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })) }),
    body: Type.Union([SnapshotRestore, Type.Null()]),
    status: 200,
    response: BranchAnswer,
  }),
  getSnapshotSchedule: route('getSnapshotSchedule', {
    summary: 'Get when snapshots of a branch are made',
    tag: 'Snapshot',
    path: BranchPath,
    status: 200,
    response: BackupSchedule,
  }),
  setSnapshotSchedule: route('setSnapshotSchedule', {
    summary: 'Set when snapshots of a branch are made; an empty schedule ends them',
    tag: 'Snapshot',
    path: BranchPath,
    body: BackupSchedule,
    status: 200,
    response: Type.Object({}),
  }),
}
