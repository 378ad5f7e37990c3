import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ApiError } from '@coppice/api'
import { DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { homePaths } from '../../packages/server/src/lib/home.ts'
import { psql, run, until } from '../platform.ts'
import { Ballast, freeBytes, SmallDisk } from './disks.ts'
import { ExhaustionStage, gatewayMemoryBytes, refusal } from './exhaustion-stage.ts'
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
    throw error
  }
})

afterAll(async () => {
  await stage?.stop()
  await storeDisk?.discard()
  await stage?.clear()
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
    const path = { project_id: platform.projectId }
    const { endpoints } = await platform.client.listProjectBranchEndpoints({
      path: { ...path, branch_id: asleep.id },
    })
    await platform.client.suspendProjectEndpoint({
      path: { ...path, endpoint_id: endpoints[0]?.id ?? '' },
    })
    const ballast = new Ballast(store())
    await ballast.fill()
    const error = await changeUntilRefused()
    expect(error).toMatchObject({ code: 'store_unavailable', status: 503 })
    expect(error.message).toMatch(/connections to branches keep working/)
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
    const attempts = Array.from({ length: 100 }, async () => {
      const client = await connect(platform, platform.connectionUri, 'direct')
      return client
    })
    const settled = await Promise.allSettled(attempts)
    await session.query('SELECT 1')
    for (const one of settled) {
      if (one.status === 'rejected') refused.push(one.reason)
      else await one.value.end()
    }
    expect(refused.length).toBeGreaterThan(0)
  })
  for (const text of new Set(refused.map(String))) process.stdout.write(`${text}\n`)
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
  const another = async (): Promise<unknown> => connect(platform, platform.connectionUri, 'pooled')
  await until(async () => !(await isLetIn(another)), 'the limit is in force')
  const refused = await another().catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(DatabaseError)
  expect(refused).toMatchObject({
    code: '53300',
    message: 'no more connections allowed (max_client_conn)',
  })
  await one.query('SELECT 1')
  await one.end()
  await until(async () => isLetIn(another), 'one comes in where another has gone')
  await limit(null)
  await stage.expectHealthy()
})

async function isLetIn(attempt: () => Promise<unknown>): Promise<boolean> {
  return attempt().then(
    async (client) => {
      await (client as { end(): Promise<void> }).end()
      return true
    },
    () => false,
  )
}

const slowReaders = isLong ? 10_000 : 100
const connectAtOnce = 50
/** The pool serves few at a time, PostgreSQL itself some hundred sessions. */
const slowPort = isLong ? 'pooled' : 'direct'
const answerMegabytes = isLong ? 1 : 4
/** Of the gateway, for a client whose answer nobody reads. */
const bytesPerClient = 1024 ** 2

test(
  'slow readers: the gateway keeps little for each, others are answered, all get their rows',
  { timeout: isLong ? 1_800_000 : 180_000 },
  async () => {
    const { platform } = stage
    const path = { project_id: platform.projectId, endpoint_id: stage.endpointId }
    await platform.client.updateProjectEndpoint({
      path,
      body: { endpoint: { settings: { pgbouncer_settings: { query_wait_timeout: '0' } } } },
    })
    const before = gatewayMemoryBytes(platform)
    const readers: SlowReader[] = []
    while (readers.length < slowReaders) {
      const next = Array.from({ length: connectAtOnce }, async () =>
        SlowReader.begin(platform, slowPort, answerMegabytes),
      )
      readers.push(...(await Promise.all(next)))
    }
    await rest(3000)
    const grownBytes = gatewayMemoryBytes(platform) - before
    expect(grownBytes).toBeLessThan(slowReaders * bytesPerClient)
    const startMs = performance.now()
    const other = await connect(platform, platform.connectionUri, 'direct')
    await other.query('SELECT 1')
    const answeredMs = Math.round(performance.now() - startMs)
    expect(answeredMs).toBeLessThan(10_000)
    await other.end()
    const bytes = await Promise.all(readers.map(async (reader) => reader.finish()))
    expect(new Set(bytes)).toEqual(new Set([answerMegabytes * 1024 ** 2]))
    stage.figures.set('slow readers', slowReaders)
    stage.figures.set('gateway megabytes for slow readers', Math.round(grownBytes / 1024 ** 2))
    stage.figures.set('answer beside slow readers, ms', answeredMs)
    await platform.client.updateProjectEndpoint({
      path,
      body: { endpoint: { settings: { pgbouncer_settings: { query_wait_timeout: null } } } },
    })
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
    const asked = Array.from({ length: bombs }, async () => stage.branch())
    const settled = Promise.allSettled(asked)
    await stage.expectProgress()
    const made: { id: string; uri: string }[] = []
    for (const one of await settled) {
      if (one.status === 'fulfilled') made.push(one.value)
      else expect(documented).toContain((await refusal(Promise.reject(one.reason))).code)
    }
    const [first] = made
    expect(await psql(first?.uri ?? '', 'SELECT sum(balance) FROM accounts')).toBe('20000')
    await Promise.all(made.map(async ({ id }) => stage.deleteBranch(id)))
    stage.figures.set('branches asked for at once', bombs)
    stage.figures.set('branches made at once', made.length)
    expect((await platform.client.getPlatformStatus({})).computes).toHaveLength(1)
    await stage.expectHealthy()
  },
)
