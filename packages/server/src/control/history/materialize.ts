import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { Sql } from 'postgres'

import { readCatalog } from '../../compute/catalog.ts'
import { setPassword } from '../../compute/roles.ts'
import type { ClusterCatalog } from '../../compute/spec.ts'
import { type Cluster, platformDatabase } from '../../compute/superuser.ts'
import {
  endRecovery,
  prepareRecovery,
  readRecoveryEnd,
  type RecoveryTarget,
} from '../../history/recovery.ts'
import { stageWal, type WalLimit } from '../../history/staged-wal.ts'
import type { WalSource } from '../../history/wal-archiver.ts'
import { type Lsn, parseLsn } from '../../lib/lsn.ts'
import { findBranchCompute } from '../branch-compute.ts'
import type { Context } from '../context.ts'
import type { BranchRow } from '../store/branches.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import type { ProjectRow } from '../store/projects.ts'
import { volumeDataDirectory } from '../volumes.ts'
import { withLine } from './line-snapshots.ts'
import { beyondEnd, findStart, type Moment, type Start } from './moments.ts'
import { replay, TargetNotReached } from './replay.ts'
import { stagingOf } from './scratch.ts'
import { readRestingBounds } from './wal-bounds.ts'

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
  const { project, branch, moment, volumeId } = request
  const start = await findStart(context, project, branch, moment)
  const source = await sourceOf(context, start.owner)
  await context.history.archiver.flush(source)
  await refuseBeyondEnd(start, source)
  const staged = new StagedRecovery(context, start, source, volumeId)
  try {
    await withLine(context, start.owner.volume_id, async () => {
      await staged.stage(limitOf(start.moment))
      await context.volumes.clone(start.snapshot.id, volumeId)
    })
    const { catalog, value, lastCommit } = await recover(context, staged, {
      ...request,
      moment: start.moment,
    })
    const dataDirectory = volumeDataDirectory(context.volumes, volumeId)
    await endRecovery(dataDirectory, context.databaseUser)
    return {
      originLine: start.owner.volume_id,
      lsn: await readRecoveryEnd(dataDirectory),
      time:
        start.moment.kind === 'time' ? start.moment.at : (lastCommit ?? start.snapshot.taken_at),
      catalog,
      value,
    }
  } finally {
    await staged.remove()
  }
}

class StagedRecovery {
  readonly #context: Context
  readonly #start: Start
  readonly #source: WalSource
  readonly directory: string
  isAll = false

  constructor(context: Context, start: Start, source: WalSource, volumeId: string) {
    this.#context = context
    this.#start = start
    this.#source = source
    this.directory = stagingOf(context, volumeId)
  }

  async stage(until: WalLimit | undefined): Promise<void> {
    const isRunning = (await this.#source.look(async () => true)) === true
    const { isAll } = await stageWal({
      store: this.#context.history.wal,
      line: this.#source.line,
      directory: this.directory,
      user: this.#context.databaseUser,
      from: this.#start.snapshot.lsn_from,
      until,
      tail: isRunning ? undefined : join(this.#source.dataDirectory, 'pg_wal'),
    })
    this.isAll = isAll
  }

  async stageAll(): Promise<void> {
    await withLine(this.#context, this.#source.line, async () => this.stage(undefined))
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** Tries until the target is reached, or all that there is has been replayed and belongs to it. */
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
  const attempt = async (target: RecoveryTarget) => {
    await prepareRecovery({
      dataDirectory: volumeDataDirectory(context.volumes, volumeId),
      walDirectory: staged.directory,
      target,
      user: context.databaseUser,
    })
    return replay(context, options, async (cluster) => ({
      lastCommit: await cluster.withSuperuser(platformDatabase, readLastCommit),
      catalog: await alignPasswords(cluster, catalogNow),
      value: await work(cluster),
    }))
  }
  const target = targetOf(request.moment)
  try {
    return await attempt(target)
  } catch (error) {
    if (!(error instanceof TargetNotReached)) throw error
  }
  if (!staged.isAll) {
    await staged.stageAll()
    try {
      return await attempt(target)
    } catch (error) {
      if (!(error instanceof TargetNotReached)) throw error
    }
  }
  return attempt({ kind: 'end' })
}

/** Of the commits that were replayed; undefined where there were none. */
async function readLastCommit(sql: Sql): Promise<Date | undefined> {
  const [row] = await sql<{ at: string | null }[]>`
    select (extract(epoch from pg_last_xact_replay_timestamp()) * 1000)::text as at`
  const ms = row?.at ?? null
  return ms === null ? undefined : new Date(Number(ms))
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

const targetOf = (moment: Moment): RecoveryTarget =>
  moment.kind === 'time' ? { kind: 'time', time: moment.text } : moment

const limitOf = (moment: Moment): WalLimit =>
  moment.kind === 'time' ? { kind: 'time', time: moment.at } : moment

/** The line's cluster, as the archiver sees it. */
export async function sourceOf(context: Context, owner: BranchRow): Promise<WalSource> {
  const compute = await findBranchCompute(context, owner.id)
  return {
    line: owner.volume_id,
    dataDirectory: volumeDataDirectory(context.volumes, owner.volume_id),
    look: async (work) => compute?.peek(work),
  }
}

async function refuseBeyondEnd({ owner, moment }: Start, source: WalSource): Promise<void> {
  if (moment.kind !== 'lsn') return
  const end = await endOf(source)
  if (moment.lsn > end) throw beyondEnd(owner, moment.lsn, end)
}

/** The end of what a line holds: where it writes, or where it was stopped. */
export async function endOf(source: WalSource): Promise<Lsn> {
  const running = await source.look(async (sql) => {
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`
    return parseLsn(row?.lsn ?? '')
  })
  return running ?? (await readRestingBounds(source.dataDirectory)).to
}
