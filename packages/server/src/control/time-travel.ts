import type { Compute } from '../compute/compute.ts'
import { signalReplay } from '../compute/fresh-clone.ts'
import type { SessionDetails, SessionHandle } from '../compute/sessions.ts'
import { plainSpec } from '../compute/spec.ts'
import { AppError, describeError } from '../lib/errors.ts'
import { newPastEndpointId, newScratchId } from '../lib/ids.ts'
import { parseLsn } from '../lib/lsn.ts'
import { Shares } from '../lib/shares.ts'
import { findBranchCompute } from './branch-compute.ts'
import type { Context } from './context.ts'
import { currentCatalog } from './history/make-volume.ts'
import { materializeMoment } from './history/materialize.ts'
import { type Moment, readMoment } from './history/moments.ts'
import { replayUnits } from './history/replay.ts'
import { removeScratch } from './history/scratch.ts'
import { requireBranch, requireProject } from './lookups.ts'
import { type BranchRow, findAnyBranch } from './store/branches.ts'
import { volumeDataDirectory, volumeOfDataDirectory } from './volumes.ts'

/**
 * Connections to a branch as it was: `<branch id>@<time or LSN>` in the place of an endpoint's id. Who may
 * log in is decided by the branch's roles of now, without waking anything. Then the moment is made
 * present on a volume of its own, with a standby on it that takes no changes; both go when nobody has
 * used it for a while.
 */
export class TimeTravel {
  readonly #context: Context
  readonly #visits = new Map<string, Visit>()
  readonly #shares: Shares

  constructor(context: Context, { visitsMax = 20 } = {}) {
    this.#context = context
    // Each is a PostgreSQL and a volume.
    this.#shares = new Shares({
      max: visitsMax,
      what: 'moments of the past that may be looked at at once',
      advice: 'try again when one is left',
      code: 'limit_reached',
    })
    context.host.onStateChange(({ endpointId, state }) => {
      if (state === 'idle') this.#leave(endpointId)
    })
  }

  /** The branch's own compute, for what it allows and whom it knows; undefined where there is none. */
  async findCompute(pastId: string): Promise<Compute | undefined> {
    const branch = await this.#findBranch(pastId)
    return branch && findBranchCompute(this.#context, branch.id)
  }

  /** Rejects with AppError, whose message may be shown. */
  async wake(pastId: string): Promise<{ socketPath: string }> {
    return (await this.visit(pastId)).wake()
  }

  /** The compute on the moment, which is made present unless somebody is there already. */
  async visit(pastId: string): Promise<Compute> {
    return (this.#visits.get(pastId) ?? (await this.#begin(pastId))).compute
  }

  async #begin(pastId: string): Promise<Visit> {
    const branch = await this.#findBranch(pastId)
    if (branch === undefined) throw new AppError('branch_not_found', 'the branch does not exist')
    // Somebody else may have begun meanwhile.
    const begun = this.#visits.get(pastId)
    if (begun) return begun
    const giveBack = this.#shares.take(branch.project_id)
    const place = { endpointId: newPastEndpointId(), giveBack }
    const visit = { ...place, compute: this.#arrive(pastId, branch, place) }
    this.#visits.set(pastId, visit)
    return visit
  }

  openSession(session: SessionDetails & { endpointId: string }): SessionHandle {
    const visit = this.#visits.get(session.endpointId)
    const compute = visit && this.#context.host.get(visit.endpointId)
    if (compute === undefined) {
      throw new AppError('endpoint_not_found', 'the moment of the past is not there any more')
    }
    return compute.openSession(session)
  }

  async #arrive(
    pastId: string,
    branch: BranchRow,
    { endpointId, giveBack }: Omit<Visit, 'compute'>,
  ): Promise<Compute> {
    const volumeId = newScratchId()
    try {
      return await this.#prepare(pastId, branch, { endpointId, volumeId })
    } catch (error) {
      this.#visits.delete(pastId)
      await removeScratch(this.#context, volumeId).finally(giveBack)
      throw error
    }
  }

  async #prepare(
    pastId: string,
    branch: BranchRow,
    { endpointId, volumeId }: { endpointId: string; volumeId: string },
  ): Promise<Compute> {
    const context = this.#context
    const project = await requireProject(context, branch.project_id)
    const own = await findBranchCompute(context, branch.id)
    const catalogNow = await currentCatalog(context, branch)
    const made = await materializeMoment(context, {
      project,
      branch,
      moment: momentOf(pastId),
      volumeId,
      catalogNow,
      work: async () => undefined,
    })
    const dataDirectory = volumeDataDirectory(context.volumes, volumeId)
    await signalReplay(dataDirectory, context.databaseUser)
    return context.host.put(
      {
        ...plainSpec,
        endpointId,
        dataDirectory,
        pgVersion: project.pg_version,
        // A standby may not be smaller than what it was replayed with.
        minComputeUnits: replayUnits,
        maxComputeUnits: replayUnits,
        pgSettings: own?.spec.pgSettings ?? {},
        suspendTimeoutSeconds: leaveAfterSeconds,
        allowedIps: own?.spec.allowedIps ?? [],
        poolerSettings: own?.spec.poolerSettings ?? {},
        isStandby: true,
        labels: {
          project_id: project.id,
          branch_id: branch.id,
          branch_name: `${branch.name}${pastId.slice(pastId.indexOf('@'))}`,
        },
      },
      { catalog: made.catalog },
    )
  }

  /** Nobody waits for it: what a crash leaves of it is swept at the next start. */
  #leave(endpointId: string): void {
    const context = this.#context
    const [pastId, visit] = [...this.#visits].find(([, one]) => one.endpointId === endpointId) ?? []
    const compute = context.host.get(endpointId)
    if (pastId === undefined || visit === undefined || compute === undefined) return
    this.#visits.delete(pastId)
    const volumeId = volumeOfDataDirectory(compute.spec.dataDirectory)
    void (async () => {
      await context.host.remove(endpointId)
      await removeScratch(context, volumeId)
    })()
      .catch((error: unknown) => {
        context.log.warn(
          { endpoint_id: endpointId, error: describeError(error) },
          'a moment of the past was not cleared away',
        )
      })
      .finally(visit.giveBack)
  }

  async #findBranch(pastId: string): Promise<BranchRow | undefined> {
    const branch = await findAnyBranch(this.#context.store, pastId.slice(0, pastId.indexOf('@')))
    if (branch === undefined || branch.deleted_at !== null) return undefined
    return requireBranch(this.#context, branch.project_id, branch.id).catch(() => undefined)
  }
}

interface Visit {
  endpointId: string
  compute: Promise<Compute>
  /** The share of its project. */
  giveBack: () => void
}

/** As on Neon. */
const leaveAfterSeconds = 30

export const isOfThePast = (endpointId: string): boolean => endpointId.includes('@')

function momentOf(pastId: string): Moment {
  const text = pastId.slice(pastId.indexOf('@') + 1)
  const moment = readMoment(parseLsn(text) === undefined ? { timestamp: text } : { lsn: text })
  if (moment === undefined) throw new AppError('invalid_request', `'${text}' is no moment`)
  return moment
}
