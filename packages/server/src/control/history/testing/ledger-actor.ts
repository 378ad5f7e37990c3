import { must } from '../../../lib/assert.ts'
import { describeError } from '../../../lib/errors.ts'
import { deleteBranch } from '../../branches.ts'
import { finalizeRestore } from '../../snapshots.ts'
import { takeLineSnapshot } from '../line-snapshots.ts'
import { trimHistory } from '../trim.ts'
import { type LedgerLine, renderTarget, type Target } from './ledger-oracle.ts'
import { type LedgerPlatform, nowUs, request } from './ledger-platform.ts'
import type { Random } from './random.ts'

/** Does to branches what people do to them, one thing after another; several of these work at once. */
export class LedgerActor {
  readonly #platform: LedgerPlatform
  readonly #random: Random
  readonly #name: string
  #made = 0

  constructor(platform: LedgerPlatform, random: Random, index: number) {
    this.#platform = platform
    this.#random = random
    this.#name = `actor${index}`
  }

  /** Anything unexpected becomes a fault of the platform's. */
  async act(): Promise<void> {
    const platform = this.#platform
    const branchId = this.#random.pick([...platform.live])
    if (branchId === undefined) return
    const { name, run } = this.#choose()
    platform.count(name)
    platform.events.push(nowUs())
    const what = `${this.#name} ${name} ${branchId}`
    try {
      platform.note(`${what} …`)
      await run(branchId)
      platform.note(`${what} done`)
    } catch (error) {
      platform.note(`${what}: ${describeError(error)}`)
      if (isConcurrent(error)) platform.count('overtaken')
      else platform.faults.push(`${what}: ${describeError(error)} ${stackOf(error)}`)
    }
    platform.events.push(nowUs())
  }

  #choose(): { name: string; run: (branchId: string) => Promise<void> } {
    const actions: [weight: number, name: string, run: (branchId: string) => Promise<void>][] = [
      [10, 'look', async (id) => this.#look(id)],
      [5, 'branch', async (id) => this.#branch(id, undefined)],
      [6, 'branch of the past', async (id) => this.#branch(id, await this.#target(id))],
      [4, 'restore', async (id) => this.#restore(id, id, await this.#target(id))],
      [2, 'restore from another', async (id) => this.#restoreFromAnother(id)],
      [2, 'reset', async (id) => this.#reset(id)],
      [3, 'snapshot', async (id) => this.#snapshot(id)],
      [4, 'suspend', async (id) => this.#suspend(id)],
      [4, 'kill', async (id) => this.#kill(id)],
      [3, 'switch', async (id) => this.#sql(id, 'select pg_switch_wal()')],
      [3, 'checkpoint', async (id) => this.#sql(id, 'checkpoint')],
      [4, 'line snapshot', async (id) => this.#lineSnapshot(id)],
      [2, 'trim', async () => trimHistory(this.#platform.control.context, thinning)],
      [4, 'delete', async (id) => this.#delete(id)],
    ]
    const total = actions.reduce((sum, [weight]) => sum + weight, 0)
    let at = this.#random.below(total)
    for (const [weight, name, run] of actions) {
      if (at < weight) return { name, run }
      at -= weight
    }
    throw new Error('weights add up')
  }

  async #target(branchId: string): Promise<Target> {
    return this.#platform.chooseTarget(branchId, this.#random)
  }

  async #look(branchId: string): Promise<void> {
    await this.#platform.look(branchId, await this.#target(branchId), this.#random)
  }

  async #branch(parentId: string, target: Target | undefined): Promise<void> {
    const platform = this.#platform
    if (platform.live.size >= branchesMax) return this.#deleteLeaf()
    const fromUs = nowUs()
    const parent = await platform.row(parentId)
    const name = this.#newName()
    const what = `${name} of ${parent.name}${at(target)}`
    const moment = target && request(target)
    const { answer, asked } = await this.#ask(parentId, target, async () =>
      platform.control.client.createProjectBranch({
        path: { project_id: platform.projectId },
        body: {
          branch: {
            name,
            parent_id: parentId,
            ...(moment && 'timestamp' in moment && { parent_timestamp: moment.timestamp }),
            ...(moment && 'lsn' in moment && { parent_lsn: moment.lsn }),
          },
          endpoints: [{ type: 'read_write' }],
        },
      }),
    )
    await this.#adopt(answer.branch.id, { asked, fromUs, what })
    this.#list(answer.branch.id)
  }

  async #restoreFromAnother(branchId: string): Promise<void> {
    const sourceId = this.#random.pick([...this.#platform.live])
    if (sourceId === undefined || sourceId === branchId) return
    await this.#restore(branchId, sourceId, await this.#target(sourceId))
  }

  async #reset(branchId: string): Promise<void> {
    const { parent_id } = await this.#platform.row(branchId)
    if (parent_id === null || !this.#platform.live.has(parent_id)) return
    await this.#restore(branchId, parent_id, undefined)
  }

  async #restore(branchId: string, sourceId: string, target: Target | undefined): Promise<void> {
    const platform = this.#platform
    if (platform.live.size >= branchesMax) return this.#deleteLeaf()
    await platform.locks.run(branchId, async () => {
      if (!platform.writable.has(branchId)) return
      const fromUs = nowUs()
      const branch = await platform.row(branchId)
      const source = await platform.row(sourceId)
      const preserved = `${this.#newName()}-was-${branch.name}`.slice(0, 60)
      const what = `${branch.name} restored from ${source.name}${at(target)}`
      platform.note(what)
      const moment = target && request(target)
      const before = await this.#lineOf(branchId)
      const { asked } = await this.#ask(sourceId, target, async () =>
        platform.control.client.restoreProjectBranch({
          path: { project_id: platform.projectId, branch_id: branchId },
          body: {
            source_branch_id: sourceId,
            preserve_under_name: preserved,
            ...(moment && 'timestamp' in moment && { source_timestamp: moment.timestamp }),
            ...(moment && 'lsn' in moment && { source_lsn: moment.lsn }),
          },
        }),
      )
      // Of itself: what it was until now.
      const own = asked && { ...asked, lines: [before] }
      await this.#adopt(branchId, { asked: sourceId === branchId ? own : asked, fromUs, what })
      const { branch: backup } = await platform.control.client.getProjectBranch({
        path: { project_id: platform.projectId, branch_id: preserved },
      })
      if (this.#random.chance(0.5)) {
        await platform.control.client.createProjectEndpoint({
          path: { project_id: platform.projectId },
          body: { endpoint: { branch_id: backup.id, type: 'read_write' } },
        })
        platform.writable.add(backup.id)
      }
      platform.live.add(backup.id)
    })
  }

  async #snapshot(branchId: string): Promise<void> {
    const platform = this.#platform
    if (platform.live.size >= branchesMax) return this.#deleteLeaf()
    const target = this.#random.chance(0.5) ? await this.#target(branchId) : undefined
    const fromUs = nowUs()
    const { answer, asked } = await this.#ask(branchId, target, async () =>
      platform.control.client.createSnapshot({
        path: { project_id: platform.projectId, branch_id: branchId },
        query: target ? request(target) : {},
      }),
    )
    const { snapshot } = answer
    const toUs = nowUs()
    const [hidden] = await platform.control.context.store<{ id: string }[]>`
      select id from branches where snapshot_id = ${snapshot.id}`
    const name = this.#newName()
    const { branch } = await platform.control.client.restoreSnapshot({
      path: { project_id: platform.projectId, snapshot_id: snapshot.id },
      query: { name },
      body: null,
    })
    const what = `${name} of a snapshot of ${branchId}${at(target)}`
    const compute = must(await platform.compute(branch.id), 'a restored branch has a compute')
    const hiddenId = must(hidden, 'a snapshot has a hidden branch').id
    // Nothing was written to either before: the snapshot began with what the branch has now.
    await platform.adopt(hiddenId, { cluster: compute, asked, fromUs, what, toUs })
    await platform.adopt(branch.id, { cluster: compute, asked: undefined, fromUs: toUs, what })
    this.#list(branch.id)
    if (this.#random.chance(0.5)) await this.#finalize(branch.id)
  }

  async #finalize(branchId: string): Promise<void> {
    const platform = this.#platform
    const { restore_target_id } = await platform.row(branchId)
    if (restore_target_id === null || !platform.live.has(restore_target_id)) return
    await platform.locks.run(restore_target_id, async () => {
      if (!platform.live.has(restore_target_id)) return
      const name = this.#newName()
      await finalizeRestore(platform.control.context, platform.projectId, branchId, { name })
      if (!platform.writable.has(restore_target_id)) {
        platform.writable.add(restore_target_id)
        platform.writable.delete(branchId)
      }
    })
  }

  async #suspend(branchId: string): Promise<void> {
    await (await this.#platform.compute(branchId))?.suspend({ force: true })
  }

  async #kill(branchId: string): Promise<void> {
    const pid = (await this.#platform.compute(branchId))?.pid
    if (pid === undefined) return
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It was on its way out.
    }
  }

  async #sql(branchId: string, statement: string): Promise<void> {
    const compute = await this.#platform.compute(branchId)
    // It may be stopped or killed meanwhile.
    await compute?.peek(async (sql) => sql.unsafe(statement)).catch(() => undefined)
  }

  async #lineSnapshot(branchId: string): Promise<void> {
    const { context } = this.#platform.control
    await takeLineSnapshot(context, (await this.#platform.row(branchId)).volume_id)
  }

  /** Makes space for others. */
  async #deleteLeaf(): Promise<void> {
    const { live } = this.#platform
    const rows = await Promise.all([...live].map(async (id) => this.#platform.row(id)))
    const parents = new Set(rows.map(({ parent_id }) => parent_id))
    const leaf = this.#random.pick(rows.filter(({ id }) => !parents.has(id)))
    if (leaf !== undefined) await this.#delete(leaf.id)
  }

  async #delete(branchId: string): Promise<void> {
    const platform = this.#platform
    if (platform.live.size < branchesMin) return
    await platform.locks.run(branchId, async () => {
      if (!platform.live.has(branchId)) return
      const branch = await platform.row(branchId)
      if (branch.is_default) return
      // Gone before it is: who looks at it meanwhile may be refused.
      const line = platform.lineOf(branch.volume_id)
      line.isGone = true
      try {
        await deleteBranch(platform.control.context, platform.projectId, branchId, true)
      } catch (error) {
        line.isGone = false
        throw error
      }
      platform.live.delete(branchId)
      platform.writable.delete(branchId)
    })
  }

  async #adopt(
    branchId: string,
    read: { asked: Asked | undefined; fromUs: number; what: string },
  ): Promise<void> {
    const compute = must(await this.#platform.compute(branchId), 'it was made with a compute')
    await this.#platform.adopt(branchId, { cluster: compute, ...read })
  }

  /** Asks for a moment of a branch; lets a refusal pass that is right. */
  async #ask<T>(
    branchId: string,
    target: Target | undefined,
    work: () => Promise<T>,
  ): Promise<{ answer: T; asked: Asked | undefined }> {
    const before = await this.#lineOf(branchId)
    try {
      const answer = await work()
      if (target === undefined) return { answer, asked: undefined }
      // Another actor may have deleted it by now: then it was of the line that it had.
      const after = await this.#lineOf(branchId).catch(() => before)
      return { answer, asked: { target, lines: [before, after] } }
    } catch (error) {
      // A restore may have given it another line meanwhile.
      const after = await this.#lineOf(branchId).catch(() => before)
      const mayRefuse = (line: LedgerLine): boolean =>
        target !== undefined && this.#platform.mayRefuse(line, target, error)
      if (mayRefuse(before) || mayRefuse(after)) throw new Overtaken()
      throw error
    }
  }

  async #lineOf(branchId: string): Promise<LedgerLine> {
    return this.#platform.lineOf((await this.#platform.row(branchId)).volume_id)
  }

  #list(branchId: string): void {
    this.#platform.live.add(branchId)
    this.#platform.writable.add(branchId)
  }

  #newName(): string {
    this.#made += 1
    return `${this.#name}-${this.#made}`
  }
}

interface Asked {
  target: Target
  lines: readonly LedgerLine[]
}

const at = (target: Target | undefined): string => (target ? ` at ${renderTarget(target)}` : '')

const branchesMin = 4
const branchesMax = 9

/** Snapshots go as soon as little WAL lies between those beside them. */
const thinning = [{ upToMs: Number.POSITIVE_INFINITY, bytes: 6n * 1024n ** 2n }]

class Overtaken extends Error {}

/** What another actor's work may rightly answer with. */
const concurrentCodes = new Set([
  'branch_not_found',
  'endpoint_not_found',
  'branch_has_children',
  'branch_is_default',
])

function isConcurrent(error: unknown): boolean {
  if (error instanceof Overtaken) return true
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && concurrentCodes.has(code)
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? '') : '')
