import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ApiError } from '@coppice/api'
import { DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { forEachBounded } from '../../packages/server/src/lib/for-each-bounded.ts'
import { homePaths } from '../../packages/server/src/lib/home.ts'
import { psql, run, until } from '../platform.ts'
import { Ballast, freeBytes, SmallDisk } from './disks.ts'
import { ExhaustionStage, gatewayMemoryBytes, refusal } from './exhaustion-stage.ts'
import { FalseClock, hasFalseClock } from './false-clock.ts'
import { whileFewDescriptors } from './few-descriptors.ts'
import { isLong } from './form.ts'
import { daemonPid, gatewayPids } from './processes.ts'
import { rest } from './rest.ts'
import { connect } from './session.ts'
import { SlowReader } from './slow-reader.ts'

/**
 * What a platform lives on runs out, one thing after another: each ends in an error that says what to do,
 * and in a platform that is well as soon as there is some again, with nobody's help. S3 that is away is in
 * `wal-s3.e2e.test.ts`, a query that takes all memory in `limits.pg.test.ts`.
 */
const isRoot = process.getuid?.() === 0
const storeMegabytes = 400

let stage: ExhaustionStage
let storeDisk: SmallDisk | undefined

beforeAll(async () => {
  const home = await mkdtemp(join(tmpdir(), 'coppice-e2e-'))
  try {
    if (isRoot)
      storeDisk = await SmallDisk.mount(`${home}.img`, join(home, 'store'), storeMegabytes)
    stage = await ExhaustionStage.set({ home, poolSize: '1G' })
  } catch (error) {
    await storeDisk?.discard()
    await rm(home, { recursive: true, force: true })
    throw error
  }
})

afterAll(async () => {
  try {
    await stage?.stop()
  } finally {
    await storeDisk?.discard()
    await stage?.clear()
  }
})

/** In PostgreSQL's own words; or it has died of it, and cannot start. */
const outOfSpace = /No space left on device|storage pool is full|terminat|recovery|closed the conn/

describe.skipIf(!isRoot)('a disk that is full', () => {
  const pool = (): string => join(stage.platform.home, 'pool')
  const store = (): string => join(stage.platform.home, 'store')

  /** Until PostgreSQL needs more than what it has kept for itself. */
  async function writeUntilRefused(): Promise<unknown> {
    try {
      await psql(stage.platform.connectionUri, 'CREATE TABLE IF NOT EXISTS bulk (text text)')
      for (;;) {
        await psql(
          stage.platform.connectionUri,
          `INSERT INTO bulk SELECT repeat(md5(n::text), 100) FROM generate_series(1, 5000) n`,
        )
      }
    } catch (error) {
      return error
    }
  }

  async function fillPool(): Promise<void> {
    const ballast = new Ballast(pool())
    await ballast.fill()
    expect(String(await writeUntilRefused())).toMatch(outOfSpace)
    await ballast.fill()
    const error = await refusal(stage.branch())
    expect(error).toMatchObject({ code: 'pool_full', status: 507 })
    expect(error.message).toMatch(/--hard-delete.*coppice pool grow/)
    await stage.platform.client.getPlatformStatus({})
  }

  test('of the pool: writes and branches are refused, and go on when there is space', async () => {
    await fillPool()
    await new Ballast(pool()).remove()
    await stage.expectHealthy()
    await stage.expectMoment()
  })

  test('of the pool, which is made larger: all goes on by itself', async () => {
    await fillPool()
    await stage.platform.shell('coppice pool grow --size 12G')
    await stage.expectHealthy()
    await new Ballast(pool()).remove()
  })

  test('of the store: changes are refused, computes serve and wake', async () => {
    const { platform } = stage
    const asleep = await stage.branch()
    await platform.client.suspendProjectEndpoint({
      path: { project_id: platform.projectId, endpoint_id: asleep.endpointId },
    })
    const ballast = new Ballast(store())
    await ballast.fill()
    const error = await changeUntilRefused()
    expect(error).toMatchObject({ code: 'store_unavailable', status: 503 })
    expect(error.message).toMatch(/connections to branches keep working/)
    expect(error.message).toMatch(/free some space|coppice doctor/)
    expect(await platform.shell('coppice doctor || true')).toMatch(/State directory.*free/)
    expect(await psql(asleep.uri, 'SELECT sum(balance) FROM accounts')).toBe('20000')
    await stage.expectProgress()
    await ballast.remove()
    await stage.expectHealthy()
    await stage.deleteBranch(asleep.id)
  })

  /** The store has some WAL to write to before it needs more. */
  async function changeUntilRefused(): Promise<ApiError> {
    const { platform } = stage
    const socket = join(homePaths(platform.home).sockets, 'store')
    for (let count = 0; ; count++) {
      if (count > 100) throw new Error(`a store with ${await freeBytes(store())} bytes changes`)
      const change = platform.client.createProjectBranch({
        path: { project_id: platform.projectId },
        body: { branch: { name: `without-store-${count}` } },
      })
      const isMade = await change.then(
        () => true,
        () => false,
      )
      if (!isMade) return refusal(change)
      const switchWal = ['-XAtq', '-h', socket, '-U', 'coppice', '-d', 'postgres']
      await run('psql', [...switchWal, '-c', 'select pg_switch_wal()']).catch(() => undefined)
    }
  }
})

test('few descriptors: sessions live on, others come when there are more', async () => {
  const { platform } = stage
  const session = await connect(platform, platform.connectionUri, 'direct')
  const refused: unknown[] = []
  await whileFewDescriptors([...gatewayPids(platform), daemonPid(platform)], 20, async () => {
    const attempts = Array.from({ length: 100 }, async () =>
      connect(platform, platform.connectionUri, 'direct'),
    )
    const settled = await Promise.allSettled(attempts)
    await session.query('SELECT 1')
    await Promise.allSettled(
      Array.from({ length: 100 }, async () => platform.client.getPlatformStatus({})),
    )
    for (const one of settled) {
      if (one.status === 'rejected') refused.push(one.reason)
      else await one.value.end()
    }
    expect(refused.length).toBeGreaterThan(0)
  })
  // Without a descriptor nothing can be said: the connection is closed, and nobody is left to wait.
  const isTold = (error: unknown): boolean =>
    error instanceof DatabaseError || /ECONNRESET|terminated unexpectedly/.test(String(error))
  expect(refused.filter((error) => !isTold(error))).toEqual([])
  await session.query('SELECT 1')
  await session.end()
  await stage.expectHealthy()
})

test('connections: one too many is told so, and comes in when one has gone', async () => {
  const { platform } = stage
  const path = { project_id: platform.projectId, endpoint_id: stage.endpointId }
  const limit = async (max_client_conn: string | null): Promise<unknown> =>
    platform.client.updateProjectEndpoint({
      path,
      body: { endpoint: { settings: { pgbouncer_settings: { max_client_conn } } } },
    })
  // One is the teller.
  await limit('2')
  const one = await connect(platform, platform.connectionUri, 'pooled')
  await until(async () => (await comeIn(1)) !== undefined, 'the limit is in force')
  const refused = await comeIn(1)
  expect(refused).toBeInstanceOf(DatabaseError)
  expect(refused).toMatchObject({
    code: '53300',
    message: 'no more connections allowed (max_client_conn)',
  })
  await one.query('SELECT 1')
  await one.end()
  await until(async () => (await comeIn(1)) === undefined, 'one comes in where another has gone')
  await limit(null)
  await until(async () => (await comeIn(3)) === undefined, 'the limit is lifted')
  await stage.expectHealthy()
})

/** Some clients at once, which go again. Answers the error of one that was not let in. */
async function comeIn(count: number): Promise<unknown> {
  const { platform } = stage
  const come = Array.from({ length: count }, async () =>
    connect(platform, platform.connectionUri, 'pooled'),
  )
  const settled = await Promise.allSettled(come)
  let refused: unknown
  for (const one of settled) {
    if (one.status === 'fulfilled') await one.value.end()
    else refused = one.reason
  }
  return refused
}

const slowReaders = isLong ? 10_000 : 100
/** PostgreSQL itself takes some hundred; the others wait for a connection of the pool. */
const slowDirectReaders = 50
const connectAtOnce = 50
const answerMegabytes = isLong ? 1 : 4
/** Of the gateway: for a client that waits, and for one whose answer nobody reads. */
const limitBytes = slowReaders * 100_000 + 75 * 2 * 1024 ** 2

test(
  'slow readers: the gateway keeps little for each, others are answered, all get their rows',
  { timeout: isLong ? 1_800_000 : 180_000 },
  async () => {
    const { platform } = stage
    // An endpoint has 10,000 clients at most, tellers among them.
    const other = await stage.branch()
    const uris = [platform.connectionUri, other.uri]
    const path = { project_id: platform.projectId }
    const patience = async (query_wait_timeout: string | null): Promise<void> => {
      for (const endpoint_id of [stage.endpointId, other.endpointId]) {
        await platform.client.updateProjectEndpoint({
          path: { ...path, endpoint_id },
          body: { endpoint: { settings: { pgbouncer_settings: { query_wait_timeout } } } },
        })
      }
    }
    await patience('0')
    const before = gatewayMemoryBytes(platform)
    const readers: SlowReader[] = []
    try {
      while (readers.length < slowReaders) {
        const port = readers.length < slowDirectReaders ? 'direct' : 'pooled'
        const uri = uris[(readers.length / connectAtOnce) % uris.length] ?? ''
        const next = Array.from({ length: connectAtOnce }, async () =>
          SlowReader.begin(platform, { uri, port, megabytes: answerMegabytes }),
        )
        readers.push(...(await Promise.all(next)))
      }
      await rest(3000)
      const grownBytes = gatewayMemoryBytes(platform) - before
      expect(grownBytes).toBeLessThan(limitBytes)
      const startMs = performance.now()
      await psql(platform.connectionUri, 'SELECT 1')
      const answeredMs = Math.round(performance.now() - startMs)
      expect(answeredMs).toBeLessThan(10_000)
      stage.figures.set('slow readers', slowReaders)
      stage.figures.set('gateway megabytes for slow readers', Math.round(grownBytes / 1024 ** 2))
      stage.figures.set('answer beside slow readers, ms', answeredMs)
    } finally {
      // All at once, and to the end.
      const bytes = await Promise.all(readers.map(async (reader) => reader.finish()))
      expect(new Set(bytes)).toEqual(new Set([answerMegabytes * 1024 ** 2]))
    }
    await patience(null)
    await stage.deleteBranch(other.id)
    await stage.expectHealthy()
  },
)

const bombs = isLong ? 1000 : 40
const documented = [
  'host_full',
  'limit_reached',
  'pool_full',
  'too_many_requests',
  'compute_start_failed',
]

test(
  'a fork bomb of branches: each is made or refused, who was there works on, nothing is left',
  { timeout: isLong ? 3_600_000 : 180_000 },
  async () => {
    const { platform } = stage
    const computes = async (): Promise<number> =>
      (await platform.client.getPlatformStatus({})).computes.length
    const before = await computes()
    const asked = Array.from({ length: bombs }, async () => stage.branch())
    const settled = Promise.allSettled(asked)
    await stage.expectProgress()
    const made: { id: string; uri: string }[] = []
    const refused: unknown[] = []
    for (const one of await settled) {
      if (one.status === 'fulfilled') made.push(one.value)
      else refused.push(one.reason)
    }
    const isDocumented = (error: unknown): boolean =>
      error instanceof ApiError && documented.includes(error.code)
    expect(refused.filter((error) => !isDocumented(error))).toEqual([])
    const [first] = made
    expect(await psql(first?.uri ?? '', 'SELECT sum(balance) FROM accounts')).toBe('20000')
    await forEachBounded(made, 16, async ({ id }) => stage.deleteBranch(id))
    stage.figures.set('branches asked for at once', bombs)
    stage.figures.set('branches made at once', made.length)
    await until(async () => (await computes()) === before, 'their computes are gone')
    await stage.expectHealthy()
  },
)

const day = 86_400

test.skipIf(!hasFalseClock)(
  'a clock that jumps: no session is cut, computes sleep and wake, usage is what it was',
  async () => {
    const { platform } = stage
    const { client, projectId } = platform
    const path = { project_id: projectId }
    const clock = await FalseClock.make()
    try {
      await clock.restart(platform)
      await stage.expectProgress()
      const startMs = performance.now()
      const before = await usage()
      // Of computes that have nothing to do: one that may stay, and one that is to sleep.
      const idle = await stage.branch()
      const session = await connect(platform, idle.uri, 'direct')
      const pooled = await connect(platform, idle.uri, 'pooled')
      const sleeper = await stage.branch()
      const sleeperPath = { ...path, endpoint_id: sleeper.endpointId }
      const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
      const expiring = await stage.branch({ expires_at: inAnHour })

      await clock.set(day)
      const isGone = async (): Promise<boolean> => {
        const { branches } = await client.listProjectBranches({ path, query: {} })
        return !branches.some(({ id }) => id === expiring.id)
      }
      await until(isGone, 'the branch has expired', 60_000)
      await stage.expectProgress()

      await clock.set(-day)
      await stage.expectProgress()
      await client.recoverProjectBranch({ path: { ...path, branch_id: expiring.id } })
      expect(await psql(expiring.uri, 'SELECT sum(balance) FROM accounts')).toBe('20000')
      await client.updateProjectEndpoint({
        path: sleeperPath,
        body: { endpoint: { suspend_timeout_seconds: 1 } },
      })
      const isAsleep = async (): Promise<boolean> => {
        const { endpoint } = await client.getProjectEndpoint({ path: sleeperPath })
        return endpoint.current_state === 'idle'
      }
      await until(isAsleep, 'a compute sleeps', 60_000)
      expect(await psql(sleeper.uri, 'SELECT 1')).toBe('1')

      await clock.set(0)
      await until(isAsleep, 'a compute sleeps by the right time', 60_000)
      await stage.expectProgress()
      await session.query('SELECT 1')
      await pooled.query('SELECT 1')
      await session.end()
      await pooled.end()
      await stage.expectMoment()
      const used = await usage()
      const seconds = (performance.now() - startMs) / 1000
      for (const name of Object.keys(used) as (keyof typeof used)[]) {
        const more = used[name] - before[name]
        expect.soft(more, name).toBeGreaterThanOrEqual(0)
        expect.soft(more, name).toBeLessThan(awakeAtMost * seconds)
      }
      for (const { id } of [idle, sleeper, expiring]) await stage.deleteBranch(id)
    } finally {
      await clock.set(0)
      await platform.down()
      await platform.up()
      await clock.discard()
    }
    await stage.expectHealthy()
  },
)

/** Computes in that test, times their size. */
const awakeAtMost = 10

async function usage(): Promise<{ active: number; compute: number; cpu: number }> {
  const { project } = await stage.platform.client.getProject({
    path: { project_id: stage.platform.projectId },
  })
  return {
    active: project.active_time_seconds,
    compute: project.compute_time_seconds,
    cpu: project.cpu_used_sec,
  }
}
