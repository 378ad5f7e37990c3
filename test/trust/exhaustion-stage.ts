import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

import { ApiError, type Branch } from '@coppice/api'
import { expect, vi } from 'vitest'

import {
  psql,
  startTestPlatform,
  type StartOptions,
  type TestPlatform,
  until,
} from '../platform.ts'
import { bankSql, expectInBooks, Ledger, readBooks, startTeller } from './bank.ts'
import { Figures } from './figures.ts'
import { gatewayPids, killEverything } from './processes.ts'
import { randomNumbers } from './random-numbers.ts'
import { rest } from './rest.ts'
import type { Worker } from './session.ts'
import { expectSound } from './sound.ts'
import { expectWhole } from './whole.ts'

/** How long a platform may take to be well after something has come back that it had run out of. */
const recoveryMs = 60_000

/** A platform that runs out of something, with tellers on its first branch who keep a ledger. */
export class ExhaustionStage {
  readonly platform: TestPlatform
  readonly endpointId: string
  readonly ledger = new Ledger()
  readonly figures = new Figures('exhaustion')
  readonly #tellers: Worker[]

  private constructor(platform: TestPlatform, endpointId: string) {
    this.platform = platform
    this.endpointId = endpointId
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

  static async set(options: StartOptions): Promise<ExhaustionStage> {
    const platform = await startTestPlatform(options)
    await psql(platform.connectionUri, bankSql)
    const path = { project_id: platform.projectId }
    const { endpoints } = await platform.client.listProjectEndpoints({ path })
    return new ExhaustionStage(platform, endpoints[0]?.id ?? '')
  }

  /** Asks for a branch with a compute. Answers it and how to connect to it. */
  async branch(
    more: { expires_at?: string; parent_timestamp?: string } = {},
  ): Promise<{ id: string; endpointId: string; uri: string }> {
    const { client, projectId } = this.platform
    const made = await client.createProjectBranch({
      path: { project_id: projectId },
      body: { branch: more, endpoints: [{ type: 'read_write' }] },
    })
    return {
      id: made.branch.id,
      endpointId: made.endpoints[0]?.id ?? '',
      uri: made.connection_uris?.[0]?.connection_uri ?? '',
    }
  }

  /** A moment, from before which all that was acknowledged until now is to be there, can be reached. */
  async expectMoment(): Promise<void> {
    const { acknowledged } = this.ledger
    // A moment is of whole milliseconds.
    await rest(5)
    const parent_timestamp = new Date().toISOString()
    await this.expectProgress()
    const { id, uri } = await this.branch({ parent_timestamp })
    expectInBooks(await readBooks(this.platform, uri), this.ledger, { acknowledged })
    await this.deleteBranch(id)
  }

  async deleteBranch(branch_id: string): Promise<void> {
    await this.platform.client.deleteProjectBranch({
      path: { project_id: this.platform.projectId, branch_id },
      query: { hard_delete: true },
    })
  }

  /** Clients that write are told of success again. */
  async expectProgress(): Promise<void> {
    const before = this.ledger.acknowledged.length
    const isFurther = async (): Promise<boolean> => this.ledger.acknowledged.length > before + 5
    await until(isFurther, 'clients write on', recoveryMs)
  }

  /**
   * By itself and within a minute all is as it was promised: a new branch works, what was acknowledged is
   * there, the API, the store and the disk agree.
   */
  async expectHealthy(): Promise<void> {
    await this.expectProgress()
    const { platform, ledger } = this
    const { acknowledged } = ledger
    const { id, uri } = await vi.waitFor(async () => this.branch(), {
      timeout: recoveryMs,
      interval: 500,
    })
    expectInBooks(await readBooks(platform, uri), ledger, { acknowledged })
    await this.deleteBranch(id)
    const check = async (): Promise<void> =>
      expectWhole(platform, async (projectId, branch) => this.#expectUsable(projectId, branch))
    await vi.waitFor(check, { timeout: recoveryMs, interval: 500 })
    await expectSound(platform, { endpointId: this.endpointId, uri: platform.connectionUri })
    this.figures.add('exhaustions survived')
  }

  async #expectUsable(project_id: string, branch: Branch): Promise<void> {
    const { uri } = await this.platform.client.getConnectionURI({
      path: { project_id },
      query: { branch_id: branch.id, database_name: 'neondb', role_name: 'neondb_owner' },
    })
    assert.equal(await psql(uri, 'SELECT 1'), '1')
  }

  /** Its processes end, whatever state they are in; what they have written stays. */
  async stop(): Promise<void> {
    for (const teller of this.#tellers) await teller.stop()
    try {
      await this.platform.down()
    } catch (error) {
      await killEverything(this.platform)
      throw error
    }
  }

  async clear(): Promise<void> {
    this.figures.set('transactions acknowledged and checked', this.ledger.acknowledged.length)
    await this.platform.remove()
    await this.figures.write()
  }
}

/** That a call is refused, in the words of the API's table of errors. Answers the error. */
export async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await call.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw error
  expect(error.code).not.toBe('internal')
  return error
}

/** Resident memory of the gateway's processes. */
export function gatewayMemoryBytes(platform: TestPlatform): number {
  const kilobytes = gatewayPids(platform).map((pid) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
  )
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024
}
