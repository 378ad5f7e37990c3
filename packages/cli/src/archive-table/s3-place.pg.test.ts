import { randomBytes } from 'node:crypto'

import {
  findInstallations,
  startPostgres,
  type TestPostgres,
} from '@coppice/migrate/testing/postgres'
import { S3Requests } from '@coppice/s3/requests'
import {
  s3ServerTimeoutMs,
  type S3Server,
  startS3Server,
  whyNoS3Server,
} from '@coppice/s3/testing/s3-server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { readConfig } from '../config.ts'
import { type Bench, type Result, startBench } from '../testing/cli.ts'
import { openS3Place } from './s3-place.ts'

const binDirectory = (await findInstallations()).at(-1) ?? ''

describe.skipIf(whyNoS3Server !== undefined)('archives in S3', () => {
  let server: S3Server
  let postgres: TestPostgres
  let bench: Bench
  let sql: ReturnType<TestPostgres['sql']>
  /** Of each test its own. */
  let place: string

  beforeAll(async () => {
    server = await startS3Server()
    postgres = await startPostgres(binDirectory)
    bench = await startBench()
    sql = postgres.sql('postgres')
    Object.assign(bench.environment, {
      AWS_ENDPOINT_URL_S3: server.location().endpoint,
      AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    })
  }, s3ServerTimeoutMs)
  afterAll(async () => {
    await sql?.end()
    await bench?.stop()
    await postgres?.stop()
    await server?.remove()
  })
  beforeEach(async () => {
    place = `s3://${server.location().bucket}/${randomBytes(6).toString('hex')}`
    await sql.unsafe('drop table if exists t')
  })

  const run = async (...argv: string[]): Promise<Result> => bench.run('archive', ...argv)
  const succeed = async (...argv: string[]) => {
    const { code, stdout, stderr } = await run(...argv, '-o', 'json')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    return JSON.parse(stdout)
  }
  const database = () => ['--db-url', postgres.uri('postgres')]
  const rows = async () =>
    sql`select count(*)::int as n, sum(hashtextextended(t::text, 0)) as hash from t`
  const requests = (): S3Requests =>
    new S3Requests({
      location: server.location(),
      credentials: server.credentials,
      explain: (error) => new Error('S3 failed', { cause: error }),
    })
  const openUploads = async (): Promise<string> =>
    JSON.stringify(await requests().run(async (s3) => s3.listMultipartUploads()))
  const open = (environment = bench.environment) =>
    openS3Place(
      place,
      readConfig({ environment, cwd: '/', platform: 'linux', userHome: '/', isRoot: false }).s3,
    )

  test.each(['csv', 'parquet'])(
    'a table goes there as %s, is listed and comes back',
    async (as) => {
      await sql.unsafe(
        `create table t as select n, md5(n::text) as a from generate_series(1, 5000) n`,
      )
      const before = await rows()
      const archived = await succeed(
        ...`table t --to ${place} --format ${as} --drop --yes`.split(' '),
        ...database(),
      )
      const manifest = `${place}/public.t/manifest.json`
      expect(archived).toMatchObject({ manifest, rows: 5000, dropped: true })
      expect(await succeed('list', place)).toMatchObject([{ manifest, table: 'public.t' }])
      await succeed('restore', manifest, ...database())
      expect(await rows()).toEqual(before)
    },
  )

  test('a name with what a URL must not have comes back', async () => {
    await sql.unsafe('create table "a/b %ü?" as select 1 as n')
    const { manifest } = await succeed('table', '"a/b %ü?"', '--to', place, ...database())
    await sql.unsafe('drop table "a/b %ü?"')
    await succeed('restore', manifest, ...database())
    expect(await sql.unsafe('select * from "a/b %ü?"')).toEqual([{ n: 1 }])
    expect(await succeed('list', '--to', place)).toMatchObject([{ manifest }])
    await sql.unsafe('drop table "a/b %ü?"')
  })

  const megabyte = 1024 * 1024
  const body = randomBytes(40 * megabyte + 7)
  async function* source(end = body.length, error?: Error) {
    for (let at = 0; at < end; at += megabyte) yield body.subarray(at, Math.min(end, at + megabyte))
    if (error) throw error
  }

  test('what is larger than a part is sent in parts and read in ranges', async () => {
    const directory = open().directory('parts')
    for (const size of [body.length, 32 * megabyte, 0]) {
      await directory.write('data', source(size))
      const chunks: Uint8Array[] = []
      for await (const chunk of directory.read('data')) chunks.push(chunk)
      expect(Buffer.concat(chunks).equals(body.subarray(0, size))).toBe(true)
    }
    expect(Buffer.from(await directory.readRange('data', 0, 9))).toEqual(Buffer.from(''))
    expect(await openUploads()).not.toContain('parts')
  })

  test('a write that fails leaves nothing, neither an object nor parts', async () => {
    const directory = open().directory('failing')
    const failing = directory.write('data', source(36 * megabyte, new Error('the source broke')))
    await expect(failing).rejects.toThrow('the source broke')
    expect(await directory.readText('data')).toBeUndefined()
    expect(await openUploads()).not.toContain('failing')
  })

  test('a service that goes meanwhile is told of, and what it has of it goes later', async () => {
    const directory = open().directory('away')
    async function* killing() {
      yield* source(36 * megabyte)
      await server.kill()
      yield* source(36 * megabyte)
    }
    await expect(directory.write('data', killing())).rejects.toThrow('cannot be reached')
    await server.start()
    expect(await directory.readText('data')).toBeUndefined()
    await directory.write('data', source())
    expect(await openUploads()).not.toContain('away')
  })

  test('parts that a killed run has left are removed by the next one', async () => {
    const key = `${new URL(place).pathname.slice(1)}/killed/data`
    await requests().run(async (s3) => {
      const id = await s3.getMultipartUploadId(key)
      await s3.uploadPart(key, id, body.subarray(0, 5 * megabyte), 1)
    })
    expect(await openUploads()).toContain('killed')
    await open().directory('killed').write('data', source())
    expect(await openUploads()).not.toContain('killed')
  })

  test('a damaged object is neither dropped after nor restored', async () => {
    await sql.unsafe('create table t as select n from generate_series(1, 5000) n')
    const { manifest } = await succeed('table', 't', '--to', place, ...database())
    const directory = open().directory('public.t')
    await directory.write('data.csv.gz', source(1000))
    const again = await run('table', 't', '--to', place, '--drop', '--yes', ...database())
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not what was') })
    await directory.remove('data.csv.gz')
    const lost = await run('table', 't', '--to', place, '--drop', '--yes', ...database())
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no s3://') })
    expect(await rows()).toMatchObject([{ n: 5000 }])
    await sql`drop table t`
    expect(await run('restore', manifest, ...database())).toMatchObject({ code: 1 })
    expect(await sql`select to_regclass('t') as gone`).toEqual([{ gone: null }])
  })

  test.each([
    [{ AWS_ACCESS_KEY_ID: '' }, 'S3 has no credentials'],
    [{ AWS_SESSION_TOKEN: 'secret-token' }, 'session token'],
    [{ AWS_SECRET_ACCESS_KEY: 'wrong-secret' }, 'refuses the credentials'],
    [{ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }, 'cannot be reached'],
  ])('with %j nothing is detached, and it says why', async (changes, message) => {
    await sql.unsafe(`create table t (n int) partition by range (n);
      create table t_1 partition of t for values from (0) to (10)`)
    const before = { ...bench.environment }
    Object.assign(bench.environment, changes)
    const { code, stderr } = await run('table', 't_1', '--to', place, ...database())
    bench.environment = before
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
    for (const secret of ['secret-token', 'wrong-secret']) expect(stderr).not.toContain(secret)
    expect(
      await sql`select count(*)::int as n from pg_inherits where inhrelid = 't_1'::regclass`,
    ).toEqual([{ n: 1 }])
  })

  test.each(['s3://', 's3://Not_A_Bucket', 's3://bucket/a//b', 's3://bucket/a b'])(
    'refuses %s',
    async (to) => {
      const refused = await run('list', to)
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/s3:\/\//) })
    },
  )

  test('a bucket that is not there is told apart from one without archives', async () => {
    expect(await succeed('list', place)).toEqual([])
    const { code, stderr } = await run('list', 's3://no-such-bucket/archive')
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no bucket'),
    })
  })
})
