import type { Sql } from 'postgres'

import type { Compute } from '../compute/compute.ts'
import { markFreshClone } from '../compute/fresh-clone.ts'
import { createLiveSource } from '../compute/live-source.ts'
import type { ClusterCatalog } from '../compute/spec.ts'
import { must } from '../lib/assert.ts'
import { describeError } from '../lib/errors.ts'
import { type Lsn, parseLsn, renderLsn } from '../lib/lsn.ts'
import { findBranchCompute } from './branch-compute.ts'
import type { Context } from './context.ts'
import { readRestingEnd, type WalBounds } from './history/wal-bounds.ts'
import { unpackVolume } from './packed-volume.ts'
import type { BranchRow } from './store/branches.ts'
import { volumeDataDirectory } from './volumes.ts'

export interface CloneResult {
  /** What the clone holds ends between these two: at one point, where the driver is atomic. */
  bounds: WalBounds
  /** The last point of the parent's WAL that the clone may hold. */
  parentLsn: string
  /** Just after the clone was made: nothing in it is later. */
  parentTimestamp: Date
}

/** A volume that is there, and the compute that writes to it, where there is one. */
export interface CloneSource {
  volumeId: string
  compute: Compute | undefined
}

export async function cloneSource(context: Context, branch: BranchRow): Promise<CloneSource> {
  await unpackVolume(context, branch.volume_id)
  return {
    volumeId: branch.volume_id,
    compute: await findBranchCompute(context, branch.id),
  }
}

/** What can be done with the parent's roles and databases while its volume is cloned. */
export type BesideClone = (catalog: ClusterCatalog | undefined) => Promise<void>

/**
 * Clones a branch's volume as it is now, whatever its compute does meanwhile.
 *
 * An atomic driver's clone of a running cluster is a crash image: consistent by construction, made
 * usable by replaying its WAL. Replay is paid by whoever connects first, so much WAL is cut short by a
 * checkpoint of the parent beforehand. A driver that copies file by file goes through PostgreSQL's
 * backup interface, with the parent awake for the duration.
 */
export async function cloneVolume(
  context: Context,
  source: CloneSource,
  volumeId: string,
  beside: BesideClone = async () => undefined,
): Promise<CloneResult> {
  const { compute } = source
  if (!context.volumes.isAtomic && compute !== undefined) {
    return copyLive(context, source, volumeId, compute, beside)
  }
  const wasIdle = compute === undefined || compute.state === 'idle'
  const startedMs = performance.now()
  const prepared = wasIdle ? undefined : await prepareIfAble(context, compute)
  const preparedMs = performance.now()
  await together(context.volumes.clone(source.volumeId, volumeId), registerBeside(compute, beside))
  const parentTimestamp = new Date()
  context.log.info(
    {
      volume_id: source.volumeId,
      checkpoint_ms: Math.round(preparedMs - startedMs),
      clone_ms: Math.round(performance.now() - preparedMs),
    },
    'cloned',
  )
  const dataDirectory = volumeDataDirectory(context.volumes, volumeId)
  // Of the clone itself: whatever became of the parent meanwhile, this is what is in it.
  const end = await readRestingEnd(dataDirectory, prepared?.lsn)
  await markFreshClone(dataDirectory, context.databaseUser, {
    promote: prepared === undefined || prepared.pendingBytes > promoteAboveBytes,
  })
  return { bounds: { from: end, to: end }, parentLsn: renderLsn(end), parentTimestamp }
}

/** From here on a promotion is quicker than the checkpoint that ends an ordinary crash recovery. */
const promoteAboveBytes = 512 * 1024

/**
 * Replay runs at some 30 MB/s on a busy machine, a checkpoint of a busy parent takes some 0.3 s
 * (docs/decisions/0005-branch-start.md): from here on the checkpoint is the shorter wait.
 */
const checkpointAboveBytes = 8 * 1024 * 1024

interface PreparedParent {
  /** Up to where the parent's WAL was on disk. */
  lsn: Lsn
  /** How much of it had gathered since its last checkpoint, before this made another. */
  pendingBytes: number
}

/** One that is being stopped, or has died, does not answer: its clone is as whole without. */
async function prepareIfAble(
  context: Context,
  compute: Compute,
): Promise<PreparedParent | undefined> {
  return prepareParent(compute).catch((error: unknown) => {
    const { endpointId } = compute.spec
    context.log.info(
      { endpoint_id: endpointId, error: describeError(error) },
      'cloned without a word from its compute',
    )
    return undefined
  })
}

async function prepareParent(compute: Compute): Promise<PreparedParent | undefined> {
  return compute.withSuperuser('postgres', async (sql) => {
    const [row] = await sql<{ flushed: string; pending: string }[]>`
      select pg_current_wal_flush_lsn()::text as flushed,
        (pg_current_wal_insert_lsn() - redo_lsn)::text as pending
      from pg_control_checkpoint()`
    if (row === undefined) return undefined
    const pendingBytes = Number(row.pending)
    if (pendingBytes > checkpointAboveBytes) await sql`checkpoint`
    return { lsn: requireLsn(row.flushed), pendingBytes }
  })
}

async function readInsertLsn(sql: Sql): Promise<Lsn> {
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`
  return requireLsn(row?.lsn ?? '')
}

const requireLsn = (text: string): Lsn => must(parseLsn(text), 'PostgreSQL tells an LSN')

async function copyLive(
  context: Context,
  source: CloneSource,
  volumeId: string,
  compute: Compute,
  beside: BesideClone,
): Promise<CloneResult> {
  await compute.wake()
  const from = await compute.withSuperuser('postgres', readInsertLsn)
  await together(
    context.volumes.clone(source.volumeId, volumeId, createLiveSource(compute)),
    registerBeside(compute, beside),
  )
  await markFreshClone(volumeDataDirectory(context.volumes, volumeId), context.databaseUser)
  const to = await compute.withSuperuser('postgres', readInsertLsn)
  return { bounds: { from, to }, parentLsn: renderLsn(to), parentTimestamp: new Date() }
}

async function registerBeside(compute: Compute | undefined, beside: BesideClone): Promise<void> {
  await beside(await compute?.catalog())
}

/** Waits for both also when one fails, so that undoing finds nothing still going on. */
async function together(...works: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) {
    if (result.status === 'rejected') throw result.reason
  }
}
