import type { Compute } from '../compute/compute.ts'
import { AppError } from '../lib/errors.ts'
import { requireBranchCompute } from './branch-compute.ts'
import type { Context } from './context.ts'
import type { BranchRow } from './store/branches.ts'

/** A point in a branch's past: a place in its WAL or a time, not both. */
export type Moment = { lsn: string } | { timestamp: string }

/** What a request says of a moment; undefined is now. Rejects with AppError `invalid_request`. */
export function readMoment(request: {
  lsn?: string | undefined
  timestamp?: string | undefined
}): Moment | undefined {
  const { lsn, timestamp } = request
  if (lsn !== undefined && timestamp !== undefined) {
    throw new AppError('invalid_request', 'give an lsn or a timestamp, not both')
  }
  if (lsn !== undefined) return { lsn }
  return timestamp === undefined ? undefined : { timestamp }
}

/** Runs a function with a compute that has the branch as it is, or as it was at a moment. */
export async function withMomentOf<T>(
  context: Context,
  branch: BranchRow,
  moment: Moment | undefined,
  work: (compute: Compute) => Promise<T>,
): Promise<T> {
  if (moment === undefined) return work(await requireBranchCompute(context, branch))
  throw new AppError(
    'not_available',
    'the past of a branch is not available yet; leave lsn and timestamp out for the present',
  )
}
