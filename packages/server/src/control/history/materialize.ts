import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { Sql } from 'postgres'

import { readCatalog } from '../../compute/catalog.ts'
import { setPassword } from '../../compute/roles.ts'
import type { ClusterCatalog } from '../../compute/spec.ts'
import { type Cluster, platformDatabase } from '../../compute/superuser.ts'
import { endRecovery, prepareRecovery, readRecoveryEnd } from '../../history/recovery.ts'
import { cutStaged, type Staged, stageWal } from '../../history/staged-wal.ts'
import type { WalSource } from '../../history/wal-archiver.ts'
import { findLater } from '../../history/wal-reader.ts'
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
import { stagingOf } from './scratch.ts'
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
  const { volumeId } = request
  const staged = await stageRecovery(context, request)
  const { start } = staged
  try {
    const { catalog, value, lastCommit } = await recover(context, staged, request)
    const dataDirectory = volumeDataDirectory(context.volumes, volumeId)
    await endRecovery(dataDirectory, context.databaseUser)
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
  } finally {
    await staged.remove()
  }
}

/** Nothing of what was asked for is later. */
const roundUp = (moment: { text: string; at: Date }): Date =>
  new Date(Number((microseconds(moment) + 999n) / 1000n))

/** Finds where to begin, stages the WAL from there and clones; looks again where trimming came between. */
async function stageRecovery<T>(
  context: Context,
  { project, branch, moment, volumeId }: MaterializeRequest<T>,
): Promise<StagedRecovery> {
  for (;;) {
    const start = await findStart(context, project, branch, moment)
    const source = sourceOf(context, start.owner)
    await context.history.archiver.flush(source)
    await refuseBeyondEnd(start, source)
    const staged = new StagedRecovery(context, start, source, volumeId)
    try {
      const isStaged = await withLine(context, start.owner.volume_id, async () => {
        if (!(await hasLineSnapshot(context.store, start.snapshot.id))) return false
        const beganMs = performance.now()
        if (!(await staged.stage())) throw notKept(branch, moment)
        const stagedMs = performance.now()
        await context.volumes.clone(start.snapshot.id, volumeId)
        context.log.info(
          {
            volume: volumeId,
            wal_bytes: staged.bytes,
            stage_ms: Math.round(stagedMs - beganMs),
            clone_ms: Math.round(performance.now() - stagedMs),
          },
          'staged',
        )
        return true
      })
      if (isStaged) return staged
    } catch (error) {
      await staged.remove()
      throw error
    }
  }
}

/** The WAL from a snapshot up to a moment, where a recovery finds it. */
class StagedRecovery {
  readonly start: Start
  readonly directory: string
  /** What PostgreSQL has to replay of it, roughly. */
  bytes = 0
  readonly #context: Context
  readonly #source: WalSource

  constructor(context: Context, start: Start, source: WalSource, volumeId: string) {
    this.#context = context
    this.start = start
    this.#source = source
    this.directory = stagingOf(context, volumeId)
  }

  /** Answers whether everything that it takes was kept. */
  async stage(): Promise<boolean> {
    const { snapshot, moment, leftAt } = this.start
    const before = moment.kind === 'lsn' ? moment.lsn : leftAt
    let staged = await this.#stage(before, moment.kind === 'time' ? moment.at : undefined)
    let later = await this.#findLater(staged)
    if (later === undefined && !staged.isAll && !staged.hasGap) {
      staged = await this.#stage(before, undefined)
      later = await this.#findLater(staged)
    }
    if (later === undefined && staged.hasGap) return false
    const end = later ?? before
    const staging = staged.segments.reduce((sum, { bytes }) => sum + bytes, 0)
    this.bytes = end === undefined ? staging : Number(end - snapshot.lsn_from)
    if (end === undefined) return true
    // What the snapshot itself holds is never cut: PostgreSQL reads it from here as well.
    await cutStaged(this.directory, staged, end < snapshot.lsn_to ? snapshot.lsn_to : end)
    return true
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }

  async #stage(before: Lsn | undefined, until: Date | undefined): Promise<Staged> {
    return stageWal({
      store: this.#context.history.wal,
      line: this.#source.line,
      directory: this.directory,
      user: this.#context.databaseUser,
      from: this.start.snapshot.lsn_from,
      until,
      before,
      walDirectory: join(this.#source.dataDirectory, 'pg_wal'),
    })
  }

  /** The first of the WAL that is later than a time; what was last written before it need not be read. */
  async #findLater({ segments }: Staged): Promise<Lsn | undefined> {
    const { moment, leftAt } = this.start
    if (moment.kind !== 'time') return undefined
    const from = segments.find(
      ({ writtenAt }) => writtenAt.getTime() + fileTimeMs > moment.at.getTime(),
    )
    const later = from && (await findLater(this.directory, from.start, microseconds(moment)))
    return later !== undefined && (leftAt === undefined || later < leftAt) ? later : undefined
  }
}

/** Times of files lag behind the clock by a tick of the kernel's, and some file systems keep only seconds. */
const fileTimeMs = 2_000

async function recover<T>(
  context: Context,
  staged: StagedRecovery,
  request: MaterializeRequest<T>,
): Promise<Pick<Materialized<T>, 'catalog' | 'value'> & { lastCommit: Date | undefined }> {
  const { project, branch, volumeId, catalogNow, work } = request
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const options = {
    volumeId,
    pgVersion: project.pg_version,
    pgSettings: endpoints.find((one) => one.type === 'read_write')?.pg_settings ?? {},
  }
  await prepareRecovery({
    dataDirectory: volumeDataDirectory(context.volumes, volumeId),
    walDirectory: staged.directory,
    user: context.databaseUser,
  })
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
