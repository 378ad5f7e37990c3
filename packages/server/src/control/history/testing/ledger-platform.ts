import type { Compute } from '../../../compute/compute.ts'
import type { Cluster } from '../../../compute/superuser.ts'
import { must } from '../../../lib/assert.ts'
import { AppError } from '../../../lib/errors.ts'
import { KeyedLock } from '../../../lib/keyed-lock.ts'
import { type Lsn, parseLsn, renderLsn } from '../../../lib/lsn.ts'
import type { TestControl } from '../../../testing/control.ts'
import { until } from '../../../testing/until.ts'
import { findBranchCompute } from '../../branch-compute.ts'
import { requireProject } from '../../lookups.ts'
import { type BranchRow, findAnyBranch } from '../../store/branches.ts'
import { materializeMoment } from '../materialize.ts'
import { readMoment } from '../moments.ts'
import { withScratch } from '../scratch.ts'
import {
  findFaults,
  type Held,
  LedgerLine,
  linesFor,
  renderTarget,
  renderTime,
  type Target,
} from './ledger-oracle.ts'
import type { Random } from './random.ts'

interface MadeLine {
  /**
   * The moment that it was to be of, and on which line: where its source was restored meanwhile, on one of
   * two. Of the present where it is undefined.
   */
  asked: { target: Target; lines: readonly LedgerLine[] } | undefined
  /** Before and after it was made. */
  fromUs: number
  toUs?: number
  what: string
}

/** Branches of one project as the oracle knows them, and looks at them that are compared with it. */
export class LedgerPlatform {
  readonly control: TestControl
  readonly projectId: string
  readonly locks = new KeyedLock()
  /** Ids of branches that can be worked with, those with computes of their own apart. */
  readonly live = new Set<string>()
  readonly writable = new Set<string>()
  readonly faults: string[] = []
  /** What was done, for whoever has to find out why a fault came about. */
  readonly journal: string[] = []
  /** Microseconds at which something happened: the moments around them are the hard ones. */
  readonly events: number[] = []
  readonly counts = new Map<string, number>()
  retentionUs = Number.POSITIVE_INFINITY
  readonly #lines = new Map<string, LedgerLine>()

  constructor(control: TestControl, projectId: string) {
    this.control = control
    this.projectId = projectId
  }

  lineOf(volumeId: string): LedgerLine {
    const line = this.#lines.get(volumeId) ?? new LedgerLine(volumeId)
    this.#lines.set(volumeId, line)
    return line
  }

  note(text: string): void {
    this.journal.push(`${renderTime(nowUs())} ${text}`)
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  /** Another actor is about to tell what the line began with. */
  async #whenMade(line: LedgerLine): Promise<void> {
    await until(() => line.isMade || this.faults.length > 0, 60_000)
  }

  async row(branchId: string): Promise<BranchRow> {
    const row = await findAnyBranch(this.control.context.store, branchId)
    if (row === undefined) throw new AppError('branch_not_found', `${branchId} is gone`)
    return row
  }

  async compute(branchId: string): Promise<Compute | undefined> {
    return findBranchCompute(this.control.context, branchId)
  }

  /**
   * Takes a line that an operation has made into the account: reads what it began with, and compares that
   * with what the line that it came from held where it left it, and at the moment that was asked for.
   */
  async adopt(branchId: string, read: MadeLine & { cluster: Cluster }): Promise<void> {
    const row = await this.row(branchId)
    const line = this.lineOf(row.volume_id)
    const toUs = read.toUs ?? nowUs()
    const found = await this.#readPatiently(read.cluster)
    this.#reportHalves(found.halves, read.what)
    const base = {
      ids: new Set([...found.ids].filter((id) => !line.commits.has(id))),
      prepared: new Set([...found.prepared].filter((gid) => !line.prepared.has(gid))),
    }
    const { origin_volume_id, origin_lsn } = row
    const origin =
      origin_volume_id === null || origin_lsn === null
        ? undefined
        : { line: this.lineOf(origin_volume_id), lsn: requireLsn(origin_lsn) }
    line.make(base, Math.min(toUs, line.firstUs()), origin)
    if (origin === undefined) return
    await this.#whenMade(origin.line)
    this.#report(origin.line, { kind: 'lsn', lsn: origin.lsn }, base, `${read.what}: its origin`)
    if (read.asked !== undefined) await this.#reportAsked(read.asked, base, read.what)
    else this.#reportPresent(origin.line, base, { ...read, toUs })
  }

  /** Others suspend and kill the compute meanwhile. */
  async #readPatiently(cluster: Cluster): Promise<Held & { halves: number[] }> {
    let found: (Held & { halves: number[] }) | undefined
    await until(async () => {
      found = await readHeld(cluster).catch(() => undefined)
      return found !== undefined
    }, 60_000)
    return must(found, 'it was waited for')
  }

  async #reportAsked(
    { target, lines }: { target: Target; lines: readonly LedgerLine[] },
    base: Held,
    what: string,
  ): Promise<void> {
    this.count('compared')
    let first: string[] | undefined
    for (const line of new Set(lines)) {
      await this.#whenMade(line)
      const faults = findFaults(line, target, base)
      if (faults.length === 0) return
      first ??= faults
    }
    for (const fault of first ?? []) this.faults.push(`${what}: ${fault}`)
  }

  /** Made of the present: all that was there before, nothing that came after. */
  #reportPresent(
    line: LedgerLine,
    base: Held,
    { fromUs, toUs, what }: { fromUs: number; toUs: number; what: string },
  ): void {
    const late = findFaults(line, { kind: 'time', us: fromUs }, base).filter(isMissing)
    const early = findFaults(line, { kind: 'time', us: toUs }, base).filter(
      (one) => !isMissing(one),
    )
    // What was prepared at the time may have ended since; its position tells that exactly.
    const faults = [...late, ...early].filter((fault) => !fault.includes('prepared'))
    for (const fault of faults) this.faults.push(`${what}: ${fault}`)
  }

  /** Makes a moment of a branch present, for a look only, and compares it. */
  async look(branchId: string, target: Target, random: Random): Promise<void> {
    const { context } = this.control
    const branch = await this.row(branchId)
    const before = this.lineOf(branch.volume_id)
    await this.#whenMade(before)
    const what = `${branch.name} at ${renderTarget(target)}`
    const isDeep = random.chance(0.2)
    let found: (Held & { halves: number[] }) | undefined
    try {
      found = await withScratch(context, async (volumeId) => {
        const { value } = await materializeMoment(context, {
          project: await requireProject(context, this.projectId),
          branch,
          moment: must(readMoment(request(target)), 'a target is a moment'),
          volumeId,
          catalogNow: undefined,
          work: async (cluster) => {
            if (isDeep) await checkStructures(cluster)
            return readHeld(cluster)
          },
        })
        return value
      })
    } catch (error) {
      if (before.isGone || this.mayRefuse(before, target, error)) return this.count('refused')
      throw error
    }
    this.#reportHalves(found.halves, what)
    this.#report(before, target, found, what)
  }

  /** Whether a moment may be out of reach: too old, or on a line that is gone. */
  mayRefuse(line: LedgerLine, target: Target, error: unknown): boolean {
    if (!(error instanceof AppError) && !isApiError(error)) return false
    if (error.code !== 'outside_history') return false
    const lines = linesFor(line, target)
    if (lines.some((one) => one.isGone)) return true
    const oldestUs = nowUs() - this.retentionUs + 1_000_000
    if (target.kind === 'time') return target.us < oldestUs
    const commits = [...line.commits.values()]
    // Chosen on another line, before the branch was restored: this one has not come so far.
    if (line.owns(target) && !commits.some(({ toLsn = 0n }) => toLsn >= target.lsn)) return true
    return lines.some((one) =>
      [...one.commits.values()].some(
        ({ fromLsn, toUs }) => fromLsn >= target.lsn && toUs < oldestUs,
      ),
    )
  }

  #report(line: LedgerLine, target: Target, found: Held, what: string): void {
    this.count('compared')
    for (const fault of findFaults(line, target, found)) this.faults.push(`${what}: ${fault}`)
  }

  #reportHalves(halves: readonly number[], what: string): void {
    for (const id of halves) this.faults.push(`${what}: half of transaction ${id} is there`)
  }

  /** A moment of the branch's past, preferably one that is hard to hit. */
  async chooseTarget(branchId: string, random: Random): Promise<Target> {
    const line = this.lineOf((await this.row(branchId)).volume_id)
    await this.#whenMade(line)
    const oldestUs = this.retentionUs === Number.POSITIVE_INFINITY ? 0 : nowUs() - this.retentionUs
    if (random.chance(0.5)) {
      const recent = this.events.filter((us) => us > oldestUs + 5_000_000 && us < nowUs())
      const event = random.pick(random.chance(0.3) ? recent.slice(-20) : recent)
      if (event === undefined || random.chance(0.1)) return { kind: 'time', us: nowUs() }
      const commits = [...line.commits.values()].map(({ toUs }) => toUs)
      const us = random.chance(0.3) ? (random.pick(commits) ?? event) : event
      const jitter = random.chance(0.3) ? random.below(4_000) - 2_000 : 0
      return { kind: 'time', us: Number.isFinite(us) ? Math.min(us + jitter, nowUs()) : event }
    }
    return chooseLsn(line, random, oldestUs) ?? { kind: 'time', us: nowUs() }
  }
}

/** Just before or just after a commit of the branch's own line, or of one that it came from. */
function chooseLsn(line: LedgerLine, random: Random, oldestUs: number): Target | undefined {
  const [, ...earlier] = line.path()
  const lines = random.chance(0.6) ? [line] : earlier
  const until = new Map(line.path().map((one, index) => [one, line.path()[index - 1]?.origin?.lsn]))
  const positions = lines.flatMap((one) => {
    const end = until.get(one)
    return [...one.commits.values()]
      .filter(({ toUs }) => Number.isFinite(toUs) && toUs > oldestUs + 5_000_000)
      .flatMap(({ fromLsn, toLsn }) => (toLsn === undefined ? [] : [fromLsn, toLsn]))
      .filter((lsn) => end === undefined || lsn <= end)
  })
  const lsn = random.pick(positions)
  return lsn === undefined ? undefined : { kind: 'lsn', lsn }
}

export const nowUs = (): number => Date.now() * 1000

/** As the API takes it. */
export const request = (target: Target): { timestamp: string } | { lsn: string } =>
  target.kind === 'time' ? { timestamp: renderTime(target.us) } : { lsn: renderLsn(target.lsn) }

const isMissing = (fault: string): boolean => / is not (there|prepared)/.test(fault)

const requireLsn = (text: string): Lsn => must(parseLsn(text), 'the store tells an LSN')

function isApiError(error: unknown): error is { code: string } {
  return typeof error === 'object' && error !== null && 'code' in error
}

/** `halves`: transactions of which one table has a row and the other one none. */
export async function readHeld(cluster: Cluster): Promise<Held & { halves: number[] }> {
  return cluster.withSuperuser('neondb', async (sql) => {
    const rows = await sql<{ id: string; is_whole: boolean }[]>`
      select id, l.id is not null and e.id is not null as is_whole
      from public.ledger l full join public.entries e using (id)`
    const prepared = await sql<{ gid: string }[]>`select gid from pg_prepared_xacts`
    return {
      ids: new Set(rows.map(({ id }) => Number(id))),
      prepared: new Set(prepared.map(({ gid }) => gid)),
      halves: rows.filter((row) => !row.is_whole).map(({ id }) => Number(id)),
    }
  })
}

/** Every table and index of ours against itself and each other (manual, "amcheck"). */
async function checkStructures(cluster: Cluster): Promise<void> {
  await cluster.withSuperuser('neondb', async (sql) => {
    for (const index of ['ledger_pkey', 'entries_pkey']) {
      await sql`select public.bt_index_check(${`public.${index}`}::regclass, true)`
    }
    for (const table of ['ledger', 'entries', 'bulk']) {
      const rows = await sql<{ msg: string }[]>`
        select msg from public.verify_heapam(${`public.${table}`}::regclass)`
      if (rows.length > 0) throw new Error(`${table} is damaged: ${rows[0]?.msg}`)
    }
  })
}
