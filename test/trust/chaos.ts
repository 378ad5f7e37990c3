import assert from 'node:assert/strict'

import { psql, startTestPlatform, type TestPlatform, until } from '../platform.ts'
import { bankSql, expectInBooks, Ledger, readBooks, startTeller } from './bank.ts'
import type { Figures } from './figures.ts'
import { seed } from './form.ts'
import {
  checkLine,
  findLost,
  type Line,
  listsSql,
  readLists,
  Recorder,
  startAppender,
} from './list-append.ts'
import { randomNumbers } from './random-numbers.ts'
import { rest } from './rest.ts'
import type { Worker } from './session.ts'
import { expectSound } from './sound.ts'

const clients = 6
const appenders = 4
const pauseMs = 10
const database = { database_name: 'neondb', role_name: 'neondb_owner' }

/**
 * A branch with clients that write to it on both ports, and what they have seen and were told: lists, whose
 * reads tell the order of transactions, and a bank, whose books have to balance.
 *
 * A restore begins a new line of data. What was before lies on the old one, which goes on as a backup; what
 * was under way may be on either.
 */
export class Chaos {
  readonly platform: TestPlatform
  readonly branchId: string
  readonly endpointId: string
  readonly #figures: Figures
  readonly #recorder = new Recorder()
  readonly #ledger = new Ledger()
  readonly #workers: Worker[]
  /** Transfers that were acknowledged and are on the line of now. */
  readonly #owed = new Set<number>()
  /** The ends of the lines since the lists were begun anew. */
  #ends: Line['end'][] = []
  #lineStartMs = performance.now()

  private constructor(
    platform: TestPlatform,
    place: { branchId: string; endpointId: string },
    figures: Figures,
  ) {
    this.platform = platform
    this.branchId = place.branchId
    this.endpointId = place.endpointId
    this.#figures = figures
    this.#workers = this.#startWorkers()
  }

  static async begin(figures: Figures): Promise<Chaos> {
    const platform = await startTestPlatform({ flags: ['--freeze-after', '2'] })
    await psql(platform.connectionUri, bankSql + listsSql)
    const path = { project_id: platform.projectId }
    const { endpoints } = await platform.client.listProjectEndpoints({ path })
    const [endpoint] = endpoints
    if (endpoint === undefined) throw new Error('the first branch has a compute')
    const place = { branchId: endpoint.branch_id, endpointId: endpoint.id }
    return new Chaos(platform, place, figures)
  }

  async end(): Promise<void> {
    for (const worker of this.#workers) await worker.stop()
    await this.platform.remove()
  }

  #startWorkers(): Worker[] {
    const { platform, branchId: branch } = this
    const random = randomNumbers(seed)
    return Array.from({ length: clients }, (_, number) => {
      const port = number % 2 === 0 ? 'direct' : 'pooled'
      const uri = platform.connectionUri
      const common = { platform, uri, port, random: random.fork(number), pauseMs } as const
      return number < appenders
        ? startAppender({ ...common, recorder: this.#recorder, branch })
        : startTeller({
            ...common,
            ledger: this.#ledger,
            onAcknowledged: ({ id }) => this.#owed.add(id),
          })
    })
  }

  /** Has the clients stay connected and do nothing until the work is done. */
  async whilePaused<T>(work: () => Promise<T>): Promise<T> {
    const resume = this.#workers.map((worker) => worker.pause())
    try {
      return await work()
    } finally {
      for (const one of resume) one()
    }
  }

  /** A branch of now: with all that was acknowledged before, and nothing that was begun only later. */
  async branch(): Promise<void> {
    const acknowledged = [...this.#owed]
    const untilMs = performance.now()
    const made = await this.platform.client.createProjectBranch({
      path: { project_id: this.platform.projectId },
      body: { branch: {}, endpoints: [{ type: 'read_write' }] },
    })
    const madeMs = performance.now()
    const uri = made.connection_uris?.[0]?.connection_uri ?? ''
    const books = await readBooks(this.platform, uri)
    expectInBooks(books, this.#ledger, {
      acknowledged,
      later: (id) => (this.#ledger.transfers.get(id)?.startMs ?? 0) > madeMs,
    })
    const line = { name: 'a branch', isolation: 'snapshot' } as const
    this.#expectSaneLine({ ...line, end: await readLists(this.platform, uri), untilMs })
    await expectSound(this.platform, { endpointId: made.endpoints[0]?.id ?? '', uri })
    await this.#delete(made.branch.id)
    this.#figures.add('branches checked')
  }

  /** Back to a moment ago, while the clients go on. */
  async restore(): Promise<void> {
    const name = `before-${Math.round(performance.now())}`
    const before = [...this.#owed]
    // The moment is of whole milliseconds, and what is owed is before it.
    await rest(5)
    const startMs = performance.now()
    await this.platform.client.restoreProjectBranch({
      path: { project_id: this.platform.projectId, branch_id: this.branchId },
      body: {
        source_branch_id: this.branchId,
        source_timestamp: new Date().toISOString(),
        preserve_under_name: name,
      },
    })
    const endMs = performance.now()
    const acknowledged = [...this.#owed]
    const now = await readBooks(this.platform, this.platform.connectionUri)
    expectInBooks(now, this.#ledger, { acknowledged: before })
    await this.#checkBackup(name, startMs, { acknowledged, now })
    // What the exchange took back is owed by the backup alone.
    for (const id of acknowledged) if (!now.has(id)) this.#owed.delete(id)
    this.#lineStartMs = endMs
    this.#figures.add('restores checked')
  }

  /** All that was acknowledged is on it, unless it is on the line of now. */
  async #checkBackup(
    name: string,
    untilMs: number,
    { acknowledged, now }: { acknowledged: readonly number[]; now: ReadonlySet<number> },
  ): Promise<void> {
    const { client, projectId } = this.platform
    const path = { project_id: projectId }
    const { branches } = await client.listProjectBranches({ path, query: { search: name } })
    const branch_id = branches[0]?.id ?? ''
    const { endpoint } = await client.createProjectEndpoint({
      path,
      body: { endpoint: { branch_id, type: 'read_write' } },
    })
    const { uri } = await client.getConnectionURI({ path, query: { branch_id, ...database } })
    const books = await readBooks(this.platform, uri)
    const owedByIt = acknowledged.filter((id) => !now.has(id))
    expectInBooks(books, this.#ledger, { acknowledged: owedByIt })
    const end = await readLists(this.platform, uri)
    this.#ends.push(end)
    this.#expectSaneLine({ name, isolation: 'serializable', end, untilMs })
    await expectSound(this.platform, { endpointId: endpoint.id, uri })
    // The branch has its moment's data from it: nothing of that may go with it.
    await this.#delete(branch_id)
  }

  /** Looks at everything that there is to be known, and begins the lists anew. */
  async expectSane(): Promise<void> {
    await this.whilePaused(async () => {
      const { platform } = this
      const uri = platform.connectionUri
      const underWay = (): boolean =>
        this.#recorder.transactions.some(({ endMs }) => endMs === Infinity) ||
        [...this.#ledger.transfers.values()].some(({ outcome }) => outcome === 'under way')
      await until(async () => !underWay(), 'the clients have paused', 60_000)
      const end = await readLists(platform, uri)
      this.#ends.push(end)
      const untilMs = performance.now()
      this.#expectSaneLine({ name: 'the branch', isolation: 'serializable', end, untilMs })
      assert.deepEqual(findLost(this.#ends, this.#recorder.transactions), [])
      const books = await readBooks(platform, uri)
      const checked = expectInBooks(books, this.#ledger, { acknowledged: this.#owed })
      await expectSound(platform, { endpointId: this.endpointId, uri })
      this.#figures.set('transfers acknowledged', this.#ledger.acknowledged.length)
      this.#figures.set('transfers on the last line', checked)
      this.#figures.add('list transactions checked', this.#recorder.transactions.length)
      this.#figures.add('anomalies', 0)
      await this.#recorder.clear(platform, uri)
      this.#ends = []
      this.#lineStartMs = performance.now()
    })
  }

  #expectSaneLine(line: Omit<Line, 'branch' | 'fromMs'>): void {
    const whole = { ...line, branch: this.branchId, fromMs: this.#lineStartMs }
    assert.deepEqual(checkLine(whole, this.#recorder.transactions), [])
  }

  async #delete(branch_id: string): Promise<void> {
    await this.platform.client.deleteProjectBranch({
      path: { project_id: this.platform.projectId, branch_id },
      query: { hard_delete: true },
    })
  }
}
