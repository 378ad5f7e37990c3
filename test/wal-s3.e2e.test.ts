import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import {
  type S3Server,
  s3ServerTimeoutMs,
  startS3Server,
  whyNoS3Server,
} from '@coppice/s3/testing/s3-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** A platform whose old WAL is in S3: back to what is only there, without S3, and with it again. */
describe.skipIf(whyNoS3Server !== undefined)('WAL in S3', () => {
  let server: S3Server
  let platform: TestPlatform

  beforeAll(async () => {
    server = await startS3Server()
    const { bucket, endpoint } = server.location()
    platform = await startTestPlatform({
      flags: ['--wal-store', `s3://${bucket}/shop`, '--s3-endpoint', endpoint],
      env: {
        COPPICE_S3_ACCESS_KEY_ID: server.credentials.accessKeyId,
        COPPICE_S3_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
      },
    })
    await psql(
      platform.connectionUri,
      'CREATE TABLE ledger (n int PRIMARY KEY); CREATE TABLE filler (text text)',
    )
  }, s3ServerTimeoutMs)

  afterAll(async () => {
    await platform?.remove()
    await server?.remove()
  })

  const now = `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

  const insert = async (n: number): Promise<string> =>
    psql(platform.connectionUri, `INSERT INTO ledger VALUES (${n}); ${now}`)

  async function branchAt(name: string, moment: string): Promise<string> {
    const made = await platform.client.createProjectBranch({
      path: { project_id: platform.projectId },
      body: {
        branch: { name, parent_timestamp: moment },
        endpoints: [{ type: 'read_write' }],
      },
    })
    const uri = made.connection_uris?.[0]?.connection_uri ?? ''
    return psql(uri, 'SELECT max(n) FROM ledger')
  }

  const walStore = async () => (await platform.client.getPlatformStatus({})).wal_store

  /** A branch that was never restored has the volume that it was made with. */
  async function lineDirectory(): Promise<string> {
    const { branch } = await platform.client.getProjectBranch({
      path: { project_id: platform.projectId, branch_id: 'main' },
    })
    return join(platform.home, 'pool', 'wal', branch.id)
  }

  /** Writes more than a segment, and has the cluster let go of those that are kept elsewhere, as it does when it stops. */
  async function finishSegment(): Promise<void> {
    await psql(
      platform.connectionUri,
      'INSERT INTO filler SELECT repeat(md5(n::text), 30) FROM generate_series(1, 20000) n',
    )
    const path = { project_id: platform.projectId }
    const { endpoints } = await platform.client.listProjectBranchEndpoints({
      path: { ...path, branch_id: 'main' },
    })
    const [endpoint] = endpoints
    await platform.client.suspendProjectEndpoint({
      path: { ...path, endpoint_id: endpoint?.id ?? '' },
    })
    // WAL is put while the cluster runs.
    await psql(platform.connectionUri, 'SELECT')
  }

  /** As an hour later: what was uploaded leaves the pool. */
  async function emptyPool(): Promise<void> {
    const directory = await lineDirectory()
    const names = async () => readdir(directory).catch(() => [])
    await until(async () => (await names()).length > 0, 'a segment is finished')
    const old = await names()
    await until(async () => (await walStore())?.waiting_files === 0, 'all of it is uploaded')
    for (const name of old) await rm(join(directory, name))
  }

  test('a moment is reached whose WAL has left the pool', async () => {
    const moment = await insert(1)
    await insert(2)
    expect(await branchAt('with-pool', moment)).toBe('1')
    await finishSegment()
    await emptyPool()
    expect(await branchAt('from-s3', moment)).toBe('1')
  })

  test('without S3 writes go on and WAL waits; with it again all is as it was', async () => {
    const moment = await insert(10)
    await insert(11)
    await finishSegment()
    await emptyPool()
    await server.kill()
    await insert(12)
    await psql(
      platform.connectionUri,
      `INSERT INTO ledger SELECT generate_series(1000, 300000); ${now}`,
    )
    await until(async () => (await walStore())?.error !== undefined, 'the failure is told')
    expect(await walStore()).toMatchObject({
      url: expect.stringMatching(/^s3:.*shop$/),
      error: expect.stringContaining('cannot be reached'),
    })
    expect((await walStore())?.waiting_bytes).toBeGreaterThan(0)
    expect(await platform.shell('coppice status')).toMatch(/WAL +s3:.*shop, \d+ files .* wait/)
    // This moment needs WAL that only S3 has.
    await expect(branchAt('without-s3', moment)).rejects.toMatchObject({ code: 's3_unavailable' })
    // Nor does a start need S3.
    await platform.kill()
    await platform.up()
    await insert(13)
    expect(await walStore()).toMatchObject({ url: expect.stringContaining('shop') })
    const doctor = JSON.parse(await platform.shell('coppice doctor -o json || true'))
    expect(JSON.stringify(doctor)).toContain('cannot be reached')

    await server.start()
    await until(async () => (await walStore())?.waiting_files === 0, 'all is uploaded', 120_000)
    expect((await walStore())?.error).toBeUndefined()
    expect(await branchAt('with-s3-again', moment)).toBe('10')
  })

  test('the secret is nowhere but in the environment', async () => {
    const { secretAccessKey: secret } = server.credentials
    for (const name of ['config.json', 'run.json', join('logs', 'daemon.log')]) {
      expect(await readFile(join(platform.home, name), 'utf8')).not.toContain(secret)
    }
    const { pid } = JSON.parse(await readFile(join(platform.home, 'run.json'), 'utf8'))
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(secret)
    // Nor do the gateway's processes and PostgreSQL have it.
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
    expect(children.length).toBeGreaterThan(1)
    for (const child of children) {
      expect(await readFile(`/proc/${child}/environ`, 'utf8')).not.toContain(secret)
    }
  })
})
