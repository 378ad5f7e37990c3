import { readCounters, readPosition, recordRestorePoint } from './ledger.ts'
import type { BranchScope } from './scope.ts'
import type { Session } from './session.ts'

/** Notes where the branch is and keeps that as a snapshot until `expiresAt`. Answers its id in the ledger. */
export async function takeRestorePoint(
  { client, path }: BranchScope,
  session: Session,
  name: string,
  expiresAt: string,
): Promise<string> {
  const { snapshot } = await client.createSnapshot({
    path,
    query: { name: `before ${name}`.slice(0, snapshotNameMax), expires_at: expiresAt },
  })
  const counters = await readCounters(session)
  const { lsn, nextXid } = await readPosition(session)
  return recordRestorePoint(session, {
    lsn,
    snapshot_id: snapshot.id,
    expires_at: expiresAt,
    next_xid: nextXid,
    counters,
  })
}

const snapshotNameMax = 256
