import { AppError } from '../../lib/errors.ts'
import type { Handlers } from './server.ts'

const notYet = async (): Promise<never> => {
  throw new AppError('not_available', 'history is not available yet')
}

export function historyHandlers() {
  return {
    restoreProjectBranch: notYet,
    resetProjectBranchToParent: notYet,
    finalizeRestoreBranch: notYet,
    createSnapshot: notYet,
    listSnapshots: notYet,
    updateSnapshot: notYet,
    deleteSnapshot: notYet,
    restoreSnapshot: notYet,
    getSnapshotSchedule: notYet,
    setSnapshotSchedule: notYet,
  } satisfies Partial<Handlers>
}
