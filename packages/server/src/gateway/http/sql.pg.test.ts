import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'

import { neon, neonConfig, NeonDbError } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { createVerifier } from '../../lib/scram.ts'
import { database, domain, endpointId, password, role } from '../../testing/gateway-fixture.ts'
import type { HttpsRequest } from '../../testing/https-client.ts'
import { connectionString, type SqlFixture, startSqlFixture } from '../../testing/sql-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
import { readCertificatePair } from '../certificate-pair.ts'

let fixture: SqlFixture

beforeAll(async () => {
  const installation = must((await findInstallations()).at(-1), 'there is a PostgreSQL here')
  fixture = await startSqlFixture(installation)
  // As the driver does, but with the port of this server.
  neonConfig.fetchEndpoint = (host) =>
    `https://${host.replace(/^[^.]+\./, 'api.')}:${fixture.port}/sql`
  neonConfig.fetchFunction = async (url: string, init: HttpsRequest) =>
    fixture.https.fetch(url, init)
})
afterAll(async () => fixture?.stop())

beforeEach(() => {
  fixture.controlPlane.beforeWake = async () => undefined
  fixture.controlPlane.wakes.length = 0
  fixture.lender.clients.length = 0
})
afterEach(async () => until(() => fixture.lender.open.size === 0))

interface Answered {
  status: number
  headers: Headers
  body: unknown
}

/** A request by hand; the connection string is the fixture's where none is given. */
async function post(
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Answered> {
  const response = await fixture.https.fetch(`https://api.${domain}:${fixture.port}/sql`, {
    method: 'POST',
    headers: { 'neon-connection-string': fixture.connectionString, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

async function activeQueries(fragment: string): Promise<number> {
  const rows = await fixture.postgres.sql(
    "select from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like $1",
    [`%${fragment}%`],
  )
  return rows.length
}

describe('@neondatabase/serverless', () => {
  test('runs a tagged template', async () => {
    const sql = neon(fixture.connectionString)
    const rows =
      await sql`select ${1}::int as x, ${'a"b'} as y, ${null}::text as z, ${[1, 2]}::int[] as a, ${{ a: 1 }}::jsonb as j`
    expect(rows).toEqual([{ x: 1, y: 'a"b', z: null, a: [1, 2], j: { a: 1 } }])
    expect(fixture.lender.clients).toMatchObject([
      { endpointId, database, role, clientAddress: '127.0.0.1', via: 'http' },
    ])
    expect(fixture.lender.clients[0]?.variables.get('application_name')).toBe(
      'pkg:npm/%40neondatabase/serverless@1.2.0',
    )
  })

  test('gives full results', async () => {
    const sql = neon(fixture.connectionString, { fullResults: true, arrayMode: true })
    const result = await sql.query('select relname, oid from pg_class where relname = $1', [
      'pg_class',
    ])
    expect(result).toMatchObject({
      command: 'SELECT',
      rowCount: 1,
      rowAsArray: true,
      rows: [['pg_class', 1259]],
      fields: [
        {
          name: 'relname',
          dataTypeID: 19,
          tableID: 1259,
          columnID: 2,
          dataTypeSize: 64,
          dataTypeModifier: -1,
          format: 'text',
        },
        { name: 'oid', dataTypeID: 26 },
      ],
    })
  })

  test('runs transactions with their options', async () => {
    const sql = neon(fixture.connectionString)
    const show = (name: string) => sql.query(`select current_setting($1) as value`, [name])
    const results = await sql.transaction(
      [
        show('transaction_isolation'),
        show('transaction_read_only'),
        show('transaction_deferrable'),
      ],
      { isolationLevel: 'Serializable', readOnly: true, deferrable: true },
    )
    expect(results).toEqual([[{ value: 'serializable' }], [{ value: 'on' }], [{ value: 'on' }]])
    const plain = await sql.transaction([show('transaction_isolation')])
    expect(plain).toEqual([[{ value: 'read committed' }]])
  })

  test('rolls a transaction back as one', async () => {
    const sql = neon(fixture.connectionString)
    await sql`create table accounts (id int primary key)`
    const failing = sql.transaction([
      sql`insert into accounts values (1)`,
      sql`insert into accounts values (1)`,
      sql`insert into accounts values (2)`,
    ])
    await expect(failing).rejects.toMatchObject({ code: '23505', constraint: 'accounts_pkey' })
    expect(await sql`select from accounts`).toEqual([])
    await sql.transaction([
      sql`insert into accounts values (1)`,
      sql`insert into accounts values (2)`,
    ])
    expect(await sql`select count(*)::int as n from accounts`).toEqual([{ n: 2 }])
  })

  test('tells of a constraint that fails at the commit', async () => {
    const sql = neon(fixture.connectionString)
    await sql`create table parents (id int primary key)`
    await sql`create table children (parent int references parents deferrable initially deferred)`
    await expect(sql.transaction([sql`insert into children values (1)`])).rejects.toMatchObject({
      code: '23503',
      table: 'children',
    })
    expect(await sql`select from children`).toEqual([])
  })

  test('raises NeonDbError with every field', async () => {
    const sql = neon(fixture.connectionString)
    const failing = sql.query('select nonsense from pg_class')
    await expect(failing).rejects.toBeInstanceOf(NeonDbError)
    await expect(sql.query('select nonsense from pg_class')).rejects.toMatchObject({
      message: 'column "nonsense" does not exist',
      code: '42703',
      severity: 'ERROR',
      position: '8',
      file: 'parse_relation.c',
      routine: 'errorMissingColumn',
    })
  })

  test.each([
    ['a wrong password', { secret: 'wrong' }, role],
    ['an unknown role', { user: 'nobody' }, 'nobody'],
    ['an unknown endpoint', { host: `ep-none.${domain}` }, role],
    ['a password too long', { secret: 'x'.repeat(513) }, role],
  ])('is told the same for %s', async (_what, given, user) => {
    await expect(neon(connectionString(given))`select 1`).rejects.toMatchObject({
      name: 'NeonDbError',
      message: `password authentication failed for user '${user}'`,
    })
    expect(fixture.controlPlane.wakes).toEqual([])
  })

  test('is told that there is no such database', async () => {
    await expect(neon(connectionString({ name: 'nowhere' }))`select 1`).rejects.toMatchObject({
      message: 'database "nowhere" does not exist',
      code: '3D000',
    })
  })

  test('serves Drizzle', async () => {
    const notes = pgTable('notes', { id: integer().primaryKey(), words: text().array() })
    const db = drizzle(neon(fixture.connectionString))
    await db.execute('create table notes (id int primary key, words text[])')
    await db.insert(notes).values({ id: 1, words: ['a', 'b,"c"'] })
    expect(await db.select().from(notes)).toEqual([{ id: 1, words: ['a', 'b,"c"'] }])
    const [inserted, found] = await db.batch([
      db.insert(notes).values({ id: 2, words: [] }).returning(),
      db.select({ id: notes.id }).from(notes).orderBy(notes.id),
    ])
    expect([inserted, found]).toEqual([[{ id: 2, words: [] }], [{ id: 1 }, { id: 2 }]])
  })
})

describe('POST /sql', () => {
  test('answers with the keys in their order', async () => {
    const { status, headers, body } = await post({ query: 'select 1 as a, true as b' })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('neon-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(Object.keys(body as object)).toEqual([
      'fields',
      'rows',
      'command',
      'rowCount',
      'rowAsArray',
    ])
    expect(body).toMatchObject({ rows: [{ a: 1, b: true }], rowAsArray: false })
  })

  test('converts values, or leaves them as texts', async () => {
    const query = `select 't'::bool b, 7::int8 i8, 1.50::numeric n, 'NaN'::float8 f, 1e300::float8 g,
      '{"a": [1]}'::jsonb j, array[[1,2],[3,null]] a, array['x','y"z'] t, null::int z, 1 b`
    const [asJson, asText] = [
      await post({ query }),
      await post({ query }, { 'neon-raw-text-output': 'true', 'neon-array-mode': 'true' }),
    ]
    expect(asJson.body).toMatchObject({
      rows: [
        {
          i8: '7',
          n: '1.50',
          f: 'NaN',
          g: 1e300,
          j: { a: [1] },
          a: [
            [1, 2],
            [3, null],
          ],
          t: ['x', 'y"z'],
          z: null,
          b: 1,
        },
      ],
    })
    expect(asText.body).toMatchObject({
      rows: [
        [
          't',
          '7',
          '1.50',
          'NaN',
          '1e+300',
          '{"a": [1]}',
          '{{1,2},{3,NULL}}',
          '{x,"y\\"z"}',
          null,
          '1',
        ],
      ],
    })
  })

  test('takes parameters that are no texts', async () => {
    const params = [1, true, null, { a: "b'" }, ['x', null, 'y"z'], 'text']
    const query = 'select $1::int, $2::bool, $3::int, $4::jsonb, $5::text[], $6::text'
    const { body } = await post({ query, params }, { 'neon-array-mode': 'true' })
    expect(body).toMatchObject({ rows: [params] })
  })

  test.each([
    ['insert into t values (1), (2)', 'INSERT', 2],
    ['update t set id = 3 where id = 1', 'UPDATE', 1],
    ['delete from t', 'DELETE', 2],
    ['drop table t', 'DROP', null],
    ['', '', null],
  ])('counts rows of %j', async (query, command, rowCount) => {
    if (command === 'INSERT') await post({ query: 'create table t (id int)' })
    expect((await post({ query })).body).toMatchObject({ rows: [], command, rowCount })
  })

  test("lets a query's own mode go before the header", async () => {
    const queries = [{ query: 'select 1 a' }, { query: 'select 2 a', arrayMode: false }]
    const { body } = await post({ queries }, { 'neon-array-mode': 'true' })
    expect(body).toMatchObject({
      results: [
        { rows: [[1]], rowAsArray: true },
        { rows: [{ a: 2 }], rowAsArray: false },
      ],
    })
  })

  test('repeats the headers of a batch that were set', async () => {
    const { headers, body } = await post(
      { queries: [] },
      { 'neon-batch-isolation-level': 'RepeatableRead', 'neon-batch-read-only': 'true' },
    )
    expect(body).toEqual({ results: [] })
    expect(headers.get('neon-batch-isolation-level')).toBe('RepeatableRead')
    expect(headers.get('neon-batch-read-only')).toBe('true')
    expect(headers.get('neon-batch-deferrable')).toBeNull()
  })

  test.each([
    [{ 'neon-connection-string': '' }, 'invalid header: neon-connection-string'],
    [{ 'neon-connection-string': 'mysql://u:p@h/d' }, 'incorrect scheme'],
    [{ 'neon-connection-string': 'postgres://u:p@h' }, 'missing database name'],
    [{ 'neon-connection-string': 'postgres://u:p@10.0.0.1/d' }, 'missing hostname'],
    [{ 'neon-batch-isolation-level': 'Chaos' }, 'invalid isolation level'],
  ])('refuses the headers %j', async (headers: Record<string, string>, message) => {
    const { status, body } = await post({ query: 'select 1' }, headers)
    expect([status, body]).toEqual([
      400,
      expect.objectContaining({ message, code: '', severity: '', detail: null }),
    ])
  })

  test.each([
    ['no JSON', 'JSON', ''],
    [{ query: 'select 1; select 2' }, 'cannot insert multiple commands into a prepared', '42601'],
    [{ query: 'copy t from stdin' }, 'COPY is not possible in SQL over HTTP', '0A000'],
    [{ query: 'select $1::int', params: ['x'] }, 'invalid input syntax for type integer', '22P02'],
    [{ query: 'select $1', params: [] }, 'bind message supplies 0 parameters', '08P01'],
  ])('refuses the body %j', async (sent, text, code) => {
    const { status, body } = await post(sent)
    expect([status, body]).toMatchObject([400, { message: expect.stringContaining(text), code }])
  })

  test('finds the endpoint in options, and in the host of the request', async () => {
    const { port, https } = fixture
    const byOption = `postgresql://${role}:${encodeURIComponent(password)}@localhost/${database}`
    const query = { query: 'select 1 as x' }
    const option = { 'neon-connection-string': `${byOption}?options=endpoint%3D${endpointId}` }
    expect((await post(query, option)).body).toMatchObject({ rows: [{ x: 1 }] })
    const response = await https.fetch(`https://${endpointId}-pooler.${domain}:${port}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': byOption },
      body: JSON.stringify(query),
    })
    expect(await response.json()).toMatchObject({ rows: [{ x: 1 }] })
  })

  test('answers a disabled endpoint and a forbidden address only to who has the password', async () => {
    const access = must(fixture.controlPlane.endpoints.get(endpointId), 'the endpoint exists')
    const message = async (secret?: string) => {
      const string = connectionString(secret === undefined ? {} : { secret })
      const { body } = await post({ query: 'select 1' }, { 'neon-connection-string': string })
      return (body as { message: string }).message
    }
    const failure = `password authentication failed for user '${role}'`
    try {
      fixture.controlPlane.endpoints.set(endpointId, { ...access, disabled: true })
      expect(await message('wrong')).toBe(failure)
      expect(await message()).toBe('Control plane request failed: endpoint is disabled')
      fixture.controlPlane.endpoints.set(endpointId, { ...access, allowedIps: ['10.0.0.0/8'] })
      expect(await message('wrong')).toBe(failure)
      expect(await message()).toContain('This IP address 127.0.0.1 is not allowed to connect')
    } finally {
      fixture.controlPlane.endpoints.set(endpointId, access)
    }
  })

  test('takes a new password at once, and the old one not for long', async () => {
    const status = async (user: string, secret: string) => {
      const string = connectionString({ user, secret })
      return (await post({ query: 'select 1' }, { 'neon-connection-string': string })).status
    }
    await fixture.postgres.sql("create role changing login password 'one'")
    expect(await status('changing', 'one')).toBe(200)
    expect(await status('changing', 'one')).toBe(200)
    await fixture.postgres.sql("alter role changing password 'two'")
    expect(await status('changing', 'two')).toBe(200)
    await until(async () => (await status('changing', 'one')) === 400)
    expect(await status('changing', 'two')).toBe(200)
  })

  test('wakes the compute inside the request, and says where it cannot', async () => {
    const { controlPlane } = fixture
    expect((await post({ query: 'select 1' })).status).toBe(200)
    expect(controlPlane.wakes).toEqual([endpointId])
    controlPlane.beforeWake = async () => {
      throw new Error('a secret of ours')
    }
    const { status, body } = await post({ query: 'select 1' })
    expect([status, body]).toMatchObject([500, { message: "Couldn't connect to compute node" }])
  })

  test('says nothing of itself where the path or the method is another', async () => {
    for (const [path, method] of [
      ['/', 'GET'],
      ['/sql', 'GET'],
      ['/sql/', 'POST'],
      ['/cache', 'POST'],
    ]) {
      const url = `https://api.${domain}:${fixture.port}${path}`
      const response = await fixture.https.fetch(url, { method: method ?? '' })
      expect([response.status, await response.json()]).toEqual([400, 'query is not supported'])
    }
  })

  test('allows every page to ask', async () => {
    const url = `https://api.${domain}:${fixture.port}/sql`
    const { status, headers } = await fixture.https.fetch(url, { method: 'OPTIONS' })
    expect(status).toBe(200)
    expect(headers.get('allow')).toBe('OPTIONS, POST')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-max-age')).toBe('86400')
    expect(headers.get('access-control-allow-headers')).toBe(
      'Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, ' +
        'Neon-Pool-Opt-In, Neon-Batch-Read-Only, Neon-Batch-Isolation-Level, Neon-Batch-Deferrable, Coppice-Wake',
    )
  })

  test('speaks HTTP/2', async () => {
    const client = connectHttp2(`https://localhost:${fixture.port}`, { ca: fixture.ca })
    try {
      const answer = await new Promise<[number, string]>((resolve, reject) => {
        let status = 0
        let content = ''
        const stream = client.request({
          ':path': '/sql',
          ':method': 'POST',
          'neon-connection-string': fixture.connectionString,
        })
        stream.on('response', (headers) => (status = headers[':status'] ?? 0))
        stream.on('data', (chunk) => (content += String(chunk)))
        stream.on('end', () => resolve([status, content])).on('error', reject)
        client.on('error', reject)
        stream.end(JSON.stringify({ query: 'select 1 as x' }))
      })
      expect([answer[0], JSON.parse(answer[1])]).toMatchObject([200, { rows: [{ x: 1 }] }])
    } finally {
      client.close()
    }
  })
})

describe('limits', () => {
  test('refuses a request over 10 MiB, whether its length was told or not', async () => {
    const { status, body } = await post('x'.repeat(10_485_761))
    expect([status, body]).toMatchObject([
      413,
      { message: 'request is too large (max is 10485760 bytes)' },
    ])
    expect(await post({ query: 'select 1 as x' })).toMatchObject({ status: 200 })
  })

  test('carries a value of nearly 10 MiB there and back', async () => {
    const value = 'é'.repeat(5_000_000)
    const { body } = await post({ query: 'select $1::text as x', params: [value] })
    expect((body as { rows: { x: string }[] }).rows[0]?.x === value).toBe(true)
  })

  test('refuses an answer over 10 MiB, and cancels what gives it', async () => {
    const query = "select repeat('x', 1000), generate_series(1, 1000000000)"
    const { status, body } = await post({ query })
    expect([status, body]).toMatchObject([
      507,
      { message: 'response is too large (max is 10485760 bytes)' },
    ])
    await until(async () => (await activeQueries('1000000000')) === 0)
  })

  test('rolls a batch back whose answer is too large', async () => {
    await post({ query: 'create table large (id int)' })
    const queries = [
      { query: 'insert into large values (1)' },
      { query: "select repeat('x', 1000) from generate_series(1, 20000)" },
    ]
    expect((await post({ queries })).status).toBe(507)
    expect((await post({ query: 'select from large' })).body).toMatchObject({ rows: [] })
  })

  test('cancels what a client has left', async () => {
    const controller = new AbortController()
    const asking = post({ query: 'select pg_sleep(600) as left' }, {}, controller.signal)
    asking.catch(() => undefined)
    await until(async () => (await activeQueries('pg_sleep(600)')) === 1)
    controller.abort()
    await expect(asking).rejects.toThrow('aborted')
    await until(async () => (await activeQueries('pg_sleep(600)')) === 0)
  })

  test('cancels what a stream of HTTP/2 has left', async () => {
    const client = connectHttp2(`https://localhost:${fixture.port}`, { ca: fixture.ca })
    const stream = client.request({
      ':path': '/sql',
      ':method': 'POST',
      'neon-connection-string': fixture.connectionString,
    })
    try {
      stream.end(JSON.stringify({ query: 'select pg_sleep(603)' }))
      await until(async () => (await activeQueries('pg_sleep(603)')) === 1)
      stream.close()
      await until(async () => (await activeQueries('pg_sleep(603)')) === 0)
      await fixture.server.idle()
    } finally {
      client.destroy()
    }
  })

  test('takes no second request before the first is answered', async () => {
    const socket = connectTls({ port: fixture.port, host: '127.0.0.1', ca: fixture.ca })
    const body = JSON.stringify({ query: 'select pg_sleep(605)' })
    const request = `POST /sql HTTP/1.1\r\nhost: x\r\nneon-connection-string: ${fixture.connectionString}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    socket.write(request)
    await until(async () => (await activeQueries('pg_sleep(605)')) === 1)
    socket.on('error', () => undefined)
    socket.resume()
    socket.write(request)
    await once(socket, 'close')
    await until(async () => (await activeQueries('pg_sleep(605)')) === 0)
    await fixture.server.idle()
  })

  test('tells a stranger before the body has come', async () => {
    const socket = connectTls({ port: fixture.port, host: '127.0.0.1', ca: fixture.ca })
    const wrong = connectionString({ secret: 'wrong' })
    socket.write(
      `POST /sql HTTP/1.1\r\nhost: x\r\nneon-connection-string: ${wrong}\r\ncontent-length: 9000000\r\n\r\n`,
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(String(answer)).toContain('HTTP/1.1 400 Bad Request')
    expect(String(answer)).toContain(`password authentication failed for user '${role}'`)
    socket.destroy()
  })

  test('gives up waiting for a compute when the client leaves', async () => {
    const { controlPlane } = fixture
    let release = () => {}
    controlPlane.beforeWake = async () =>
      new Promise((resolve) => {
        release = resolve
      })
    const controller = new AbortController()
    const asking = post({ query: 'select 1' }, {}, controller.signal)
    asking.catch(() => undefined)
    await until(() => controlPlane.wakes.length === 1)
    controller.abort()
    await expect(asking).rejects.toThrow('aborted')
    release()
    await until(() => fixture.lender.open.size === 0)
  })

  test('tells the SQLSTATE of a backend that is ended', async () => {
    const asking = post({ query: 'select pg_sleep(601)' })
    await until(async () => (await activeQueries('pg_sleep(601)')) === 1)
    await fixture.postgres.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep(601)'",
    )
    expect(await asking).toMatchObject({ status: 400, body: { code: '57P01', severity: 'FATAL' } })
  })

  test('makes an address wait that has guessed too often', async () => {
    await fixture.restart({ maxFailuresPerAddress: 1 })
    try {
      const wrong = { 'neon-connection-string': connectionString({ secret: 'wrong' }) }
      expect(await post({ query: 'select 1' }, wrong)).toMatchObject({ status: 400 })
      expect(await post({ query: 'select 1' })).toMatchObject({
        status: 429,
        body: { message: 'Too many connections attempts' },
      })
    } finally {
      await fixture.restart()
    }
  })

  test('makes an address wait whose guesses come all at once', async () => {
    await fixture.restart({ maxFailuresPerAddress: 2 })
    try {
      const answers = Array.from({ length: 6 }, async (_, at) => {
        const string = connectionString({ secret: `wrong ${at}` })
        return (await post({ query: 'select 1' }, { 'neon-connection-string': string })).status
      })
      const refused = (await Promise.all(answers)).filter((status) => status === 429)
      expect(refused).toHaveLength(4)
    } finally {
      await fixture.restart()
    }
  })

  test('says where a role has made its password too costly to be checked', async () => {
    const costly = (await createVerifier('x')).replace('$4096:', '$9999999:')
    await fixture.postgres.sql(`create role costly login password '${costly}'`)
    const string = connectionString({ user: 'costly', secret: 'x' })
    const answer = await post({ query: 'select 1' }, { 'neon-connection-string': string })
    expect(answer).toMatchObject({ status: 400, body: { code: '54000' } })
    expect(answer.body).toMatchObject({
      message: expect.stringMatching(/takes 9999999 iterations to check, .* at most 200000 /),
    })
  })

  test('ends what runs when it stops, and says so', async () => {
    const asking = post({ query: 'select pg_sleep(602)' })
    await until(async () => (await activeQueries('pg_sleep(602)')) === 1)
    await fixture.restart()
    expect(await asking).toMatchObject({ status: 503, body: { code: '57P01' } })
    await until(async () => (await activeQueries('pg_sleep(602)')) === 0)
  })

  test('finishes what runs when it no longer listens', async () => {
    const asking = post({ query: 'select pg_sleep(604)' })
    await until(async () => (await activeQueries('pg_sleep(604)')) === 1)
    fixture.server.stopListening()
    await fixture.postgres.sql(
      "select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(604)'",
    )
    const { body, headers } = await asking
    expect([body, headers.get('connection')]).toMatchObject([{ code: '57014' }, 'close'])
    await fixture.server.idle()
    await expect(post({ query: 'select 1' })).rejects.toThrow('ECONNREFUSED')
    await fixture.restart()
  })

  test('takes another certificate without a restart', async () => {
    const shown = async () => {
      const socket = connectTls({ port: fixture.port, host: '127.0.0.1', ca: fixture.ca })
      await once(socket, 'secureConnect')
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    }
    const before = await shown()
    await fixture.renewCertificate()
    expect(await shown()).toBe(before)
    fixture.server.reloadCertificates(await readCertificatePair(fixture.certificates))
    expect(await shown()).not.toBe(before)
    expect((await post({ query: 'select 1' })).status).toBe(200)
  })
})
