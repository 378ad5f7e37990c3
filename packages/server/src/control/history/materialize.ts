import type { Sql } from 'postgres'

import { readCatalog } from '../../compute/catalog.ts'
import { signalReplay } from '../../compute/fresh-clone.ts'
import { setPassword } from '../../compute/roles.ts'
import type { ClusterCatalog } from '../../compute/spec.ts'
import { type Cluster, platformDatabase } from '../../compute/superuser.ts'
import { type AddedWal, addWal, cutWal, walDirectoryOf } from '../../history/added-wal.ts'
import { readRecoveryEnd } from '../../history/recovery.ts'
import type { WalSource } from '../../history/wal-archiver.ts'
import { findEndOfTime } from '../../history/wal-reader.ts'
import { type Lsn, parseLsn } from '../../lib/lsn.ts'
import type { Context } from '../context.ts'
import type { BranchRow } from '../store/branches.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import { hasLineSnapshot } from '../store/line-snapshots.ts'
import type { ProjectRow } from '../store/projects.ts'
import { volumeDataDirectory } from '../volumes.ts'
import { walSource } from './create-history.ts'
import { withLine } from './line-snapshots.ts'
import { beyondEnd, findStart, microseconds, type Moment, notKept, type Start } from './moments.ts'
import { replay } from './replay.ts'
import { readRestingEnd } from './wal-bounds.ts'

/**
 * A branch at a moment, as a volume: a snapshot from before, cloned, and the WAL from there replayed up
 * to the moment. It ends cleanly stopped, on a WAL timeline of its own.
 */
export interface Materialized<T> {
  /** The line that it comes from, and where it left it. */
  originLine: string
  lsn: Lsn | undefined
  time: Date
  /** Its roles and databases, with the passwords that roles have now. */
  catalog: ClusterCatalog
  /** What `work` has answered. */
  value: T
}

interface MaterializeRequest<T> {
  project: ProjectRow
  branch: BranchRow
  moment: Moment
  volumeId: string
  /** Roles that it has too get these passwords: connection strings stay as they are. */
  catalogNow: ClusterCatalog | undefined
  /** Looked at while it runs, once it is as it was. */
  work: (cluster: Cluster) => Promise<T>
}

export async function materializeMoment<T>(
  context: Context,
  request: MaterializeRequest<T>,
): Promise<Materialized<T>> {
  const start = await prepareVolume(context, request)
  const dataDirectory = volumeDataDirectory(context.volumes, request.volumeId)
  await signalReplay(dataDirectory, context.databaseUser)
  const { catalog, value, lastCommit } = await recover(context, request)
  return {
    originLine: start.owner.volume_id,
    lsn: await readRecoveryEnd(dataDirectory),
    time:
      start.moment.kind === 'time'
        ? roundUp(start.moment)
        : (lastCommit ?? start.snapshot.taken_at),
    catalog,
    value,
  }
}

/** Nothing of what was asked for is later. */
const roundUp = (moment: { text: string; at: Date }): Date =>
  new Date(Number((microseconds(moment) + 999n) / 1000n))

/**
 * Clones the snapshot to begin with, and gives the clone the WAL from there up to the moment. Looks again
 * where trimming came between.
 */
async function prepareVolume<T>(
  context: Context,
  { project, branch, moment, volumeId }: MaterializeRequest<T>,
): Promise<Start> {
  for (;;) {
    const start = await findStart(context, project, branch, moment)
    const source = sourceOf(context, start.owner)
    await context.history.archiver.flush(source)
    await refuseBeyondEnd(start, source)
    const isPrepared = await withLine(context, start.owner.volume_id, async () => {
      if (!(await hasLineSnapshot(context.store, start.snapshot.id))) return false
      const beganMs = performance.now()
      await context.volumes.clone(start.snapshot.id, volumeId)
      const clonedMs = performance.now()
      const wal = new WalOfMoment(context, start, source, volumeId)
      if (!(await wal.add())) throw notKept(branch, moment)
      context.log.info(
        {
          volume: volumeId,
          wal_bytes: wal.bytes,
          clone_ms: Math.round(clonedMs - beganMs),
          wal_ms: Math.round(performance.now() - clonedMs),
        },
        'prepared a moment',
      )
      return true
    })
    if (isPrepared) return start
  }
}

/** What a clone of a snapshot has to replay to be as its line was at a moment. */
class WalOfMoment {
  /** Roughly. */
  bytes = 0
  readonly #context: Context
  readonly #start: Start
  readonly #source: WalSource
  readonly #dataDirectory: string

  constructor(context: Context, start: Start, source: WalSource, volumeId: string) {
    this.#context = context
    this.#start = start
    this.#source = source
    this.#dataDirectory = volumeDataDirectory(context.volumes, volumeId)
  }

  /** Answers whether everything that it takes was kept. */
  async add(): Promise<boolean> {
    const { snapshot, moment, leftAt } = this.#start
    const before = moment.kind === 'lsn' ? moment.lsn : leftAt
    let added = await this.#add(before, moment.kind === 'time' ? moment.at : undefined)
    let found = await this.#findEnd(added)
    if (found === undefined && !added.isAll && !added.hasGap) {
      added = await this.#add(before, undefined)
      found = await this.#findEnd(added)
    }
    if (found === undefined && added.hasGap) return false
    const end = found ?? before
    this.bytes =
      end === undefined
        ? added.segments.reduce((sum, { bytes }) => sum + bytes, 0)
        : Number(end - snapshot.lsn_from)
    // What the snapshot itself holds belongs to it.
    if (end !== undefined) {
      await cutWal(this.#dataDirectory, end < snapshot.lsn_to ? snapshot.lsn_to : end)
    }
    return true
  }

  async #add(before: Lsn | undefined, until: Date | undefined): Promise<AddedWal> {
    return addWal({
      store: this.#context.history.wal,
      line: this.#source.line,
      dataDirectory: this.#dataDirectory,
      user: this.#context.databaseUser,
      from: this.#start.snapshot.lsn_from,
      until,
      before,
      sourceDirectory: this.#source.dataDirectory,
    })
  }

  /** Where a time ends, if that is on the line; what was last written before it need not be read. */
  async #findEnd({ segments }: AddedWal): Promise<Lsn | undefined> {
    const { moment, leftAt } = this.#start
    if (moment.kind !== 'time') return undefined
    const from = segments.find(
      ({ writtenAt }) => writtenAt.getTime() + fileTimeMs > moment.at.getTime(),
    )
    const walDirectory = walDirectoryOf(this.#dataDirectory)
    return from && findEndOfTime(walDirectory, from.start, microseconds(moment), leftAt)
  }
}

/** Times of files lag behind the clock by a tick of the kernel's, and some file systems keep only seconds. */
const fileTimeMs = 2_000

async function recover<T>(
  context: Context,
  request: MaterializeRequest<T>,
): Promise<Pick<Materialized<T>, 'catalog' | 'value'> & { lastCommit: Date | undefined }> {
  const { project, branch, volumeId, catalogNow, work } = request
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const options = {
    volumeId,
    pgVersion: project.pg_version,
    pgSettings: endpoints.find((one) => one.type === 'read_write')?.pg_settings ?? {},
  }
  return replay(context, options, async (cluster) => ({
    lastCommit: await cluster.withSuperuser(platformDatabase, readLastCommit),
    catalog: await alignPasswords(cluster, catalogNow),
    value: await work(cluster),
  }))
}

/** Of the commits that were replayed; undefined where there were none. */
async function readLastCommit(sql: Sql): Promise<Date | undefined> {
  const [row] = await sql<{ at: string | null }[]>`
    select (extract(epoch from pg_last_xact_replay_timestamp()) * 1000)::text as at`
  const ms = row?.at ?? null
  return ms === null ? undefined : new Date(Math.ceil(Number(ms)))
}

async function alignPasswords(
  cluster: Cluster,
  now: ClusterCatalog | undefined,
): Promise<ClusterCatalog> {
  const then = await cluster.withSuperuser(platformDatabase, readCatalog)
  for (const role of then.roles) {
    const current = now?.roles.find((one) => one.name === role.name)
    if (!current?.verifier || !role.canLogin || current.verifier === role.verifier) continue
    await setPassword(cluster, role.name, current.verifier)
  }
  return cluster.withSuperuser(platformDatabase, readCatalog)
}

/** The line's cluster, as the archiver sees it. */
export function sourceOf(context: Context, owner: BranchRow): WalSource {
  const dataDirectory = volumeDataDirectory(context.volumes, owner.volume_id)
  return walSource(context.host, owner.volume_id, dataDirectory)
}

async function refuseBeyondEnd({ owner, moment }: Start, source: WalSource): Promise<void> {
  if (moment.kind !== 'lsn') return
  const end = await endOf(source)
  if (moment.lsn > end) throw beyondEnd(owner, moment.lsn, end)
}

/** The end of what a line holds: where it writes, or where it was stopped. */
export async function endOf(source: WalSource): Promise<Lsn> {
  const running = await source.look(readFlushed).catch(() => undefined)
  return running ?? readRestingEnd(source.dataDirectory)
}

async function readFlushed(sql: Sql): Promise<Lsn | undefined> {
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`
  return parseLsn(row?.lsn ?? '')
}
