import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Branch } from '@coppice/api'
import { vi } from 'vitest'

import { psql, startTestPlatform, type TestPlatform, until } from '../platform.ts'
import { bankSql, expectInBooks, Ledger, readBooks, startTeller } from './bank.ts'
import { Figures } from './figures.ts'
import { isLong, seed } from './form.ts'
import { callsThatRun, makeVictim } from './operation-calls.ts'
import { daemonPid, isStopped } from './processes.ts'
import { randomNumbers } from './random-numbers.ts'
import type { Worker } from './session.ts'
import { expectSound } from './sound.ts'
import { type Point, points } from './steps.ts'
import { expectWhole } from './whole.ts'

/**
 * A platform whose operations can be cut off at any step, with tellers on its first branch who keep a
 * ledger of what they were told, whatever dies.
 */
export class CrashStage {
  readonly platform: TestPlatform
  readonly ledger = new Ledger()
  readonly figures: Figures
  readonly #directory: string
  readonly #failpointFile: string
  readonly #tellers: Worker[]

  private constructor(platform: TestPlatform, directory: string, part: string) {
    this.platform = platform
    this.#directory = directory
    this.#failpointFile = join(directory, 'failpoint')
    this.figures = new Figures(part)
    const random = randomNumbers(1)
    this.#tellers = (['direct', 'pooled'] as const).map((port, number) =>
      startTeller({
        platform,
        uri: platform.connectionUri,
        port,
        random: random.fork(number),
        ledger: this.ledger,
        pauseMs: 20,
      }),
    )
  }

  static async set(part: string, start = startTestPlatform): Promise<CrashStage> {
    const directory = await mkdtemp(join(tmpdir(), 'coppice-failpoint-'))
    const env = { COPPICE_FAILPOINT_FILE: join(directory, 'failpoint') }
    const platform = await start({ env })
    await psql(platform.connectionUri, bankSql)
    await psql(
      platform.connectionUri,
      'CREATE TABLE ledger AS SELECT n FROM generate_series(1, 100) n',
    )
    return new CrashStage(platform, directory, part)
  }

  /**
   * Of the calls that run all the steps of an operation, those to be tried with a point: all in the long
   * form, in the short one another with each point and seed.
   */
  callsFor(point: Point): number[] {
    const calls = [...callsThatRun(this.platform, point.action).keys()]
    return isLong ? calls : calls.slice((points.indexOf(point) + seed) % calls.length).slice(0, 1)
  }

  /** Runs an operation until the daemon has died at a point of it. */
  async dieAt({ action, point }: Point, call: number): Promise<void> {
    await makeVictim(this.platform)
    const pid = daemonPid(this.platform)
    await writeFile(this.#failpointFile, point)
    await Promise.allSettled([callsThatRun(this.platform, action)[call]?.()])
    await this.platform.waitForDeath(pid)
    await rm(this.#failpointFile)
  }

  /** Runs an operation, and has somebody else die while it stands still at a point. */
  async whileAt({ action, point }: Point, call: number, kill: () => Promise<void>): Promise<void> {
    await makeVictim(this.platform)
    const pid = daemonPid(this.platform)
    await writeFile(this.#failpointFile, `stop ${point}`)
    const called = Promise.allSettled([callsThatRun(this.platform, action)[call]?.()])
    await until(async () => isStopped(pid), `the daemon stands still at ${point}`)
    try {
      await kill()
    } finally {
      await rm(this.#failpointFile)
      process.kill(pid, 'SIGCONT')
    }
    await called
  }

  /** The books of a branch as it was at a moment, for which the WAL up to it has to be there. */
  async readBooksAt(moment: Date): Promise<ReadonlySet<number>> {
    const { client, projectId } = this.platform
    const path = { project_id: projectId }
    const made = await client.createProjectBranch({
      path,
      body: {
        branch: { name: 'past', parent_timestamp: moment.toISOString() },
        endpoints: [{ type: 'read_write' }],
      },
    })
    const uri = made.connection_uris?.[0]?.connection_uri ?? ''
    const books = await readBooks(this.platform, uri)
    await expectSound(this.platform, { endpointId: made.endpoints[0]?.id ?? '', uri })
    await client.deleteProjectBranch({
      path: { ...path, branch_id: made.branch.id },
      query: { hard_delete: true },
    })
    return books
  }

  /** All is as it was promised, at once or as soon as what was cut off has been finished. */
  async expectWhole({ withinMs = 0 } = {}): Promise<void> {
    const check = async (): Promise<void> =>
      expectWhole(this.platform, async (projectId, branch) => this.#expectUsable(projectId, branch))
    await (withinMs === 0 ? check() : vi.waitFor(check, { timeout: withinMs, interval: 500 }))
    const { acknowledged } = this.ledger
    const books = await readBooks(this.platform, this.platform.connectionUri)
    expectInBooks(books, this.ledger, { acknowledged })
    this.figures.add('crashes survived')
  }

  /** A listed branch can be connected to, and has its parent's data where it is a branch of ours. */
  async #expectUsable(projectId: string, branch: Branch): Promise<void> {
    const { client } = this.platform
    const { uri } = await client.getConnectionURI({
      path: { project_id: projectId },
      query: { branch_id: branch.id, database_name: 'neondb', role_name: 'neondb_owner' },
    })
    if (projectId === this.platform.projectId) {
      const rows = await psql(uri, 'SELECT count(*), sum(n) FROM ledger')
      // One that was to be filled with masked data is empty, or filled.
      const mayBeEmpty = branch.init_source === 'schema-only'
      if (!(mayBeEmpty && rows === '0|')) assert.equal(rows, '100|5050')
    } else {
      assert.equal(await psql(uri, 'SELECT 1'), '1')
    }
  }

  async clear(): Promise<void> {
    for (const teller of this.#tellers) await teller.stop()
    this.figures.add('transactions acknowledged and checked', this.ledger.acknowledged.length)
    await this.platform.remove()
    await rm(this.#directory, { recursive: true, force: true })
    await this.figures.write()
  }
}
