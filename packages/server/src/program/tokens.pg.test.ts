import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { exportJWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import type { Compute } from '../compute/compute.ts'
import type { JwksSource } from '../compute/spec.ts'
import { TimeTravel } from '../control/time-travel.ts'
import { readCertificatePair } from '../gateway/certificate-pair.ts'
import { ensureCertificates } from '../gateway/certificates.ts'
import { createGateway, type Gateway } from '../gateway/gateway.ts'
import type { HttpsAddress } from '../gateway/http/https-server.ts'
import { Siblings } from '../gateway/process/siblings.ts'
import { must } from '../lib/assert.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { createHttpsClient, type HttpsClient } from '../testing/https-client.ts'
import { until } from '../testing/until.ts'
import { createControlPlane } from './control-plane.ts'

/** Tokens from their issuer to row security: a real issuer's server, gateway, computes, store. */
let directory: string
let control: TestControl
/** One that has the pools itself, and one whose pools are in another process. */
let alone: Gateway
let beside: Gateway
const gateways: Gateway[] = []
let issuer: Server
let https: HttpsClient
let issuerUrl: string
let fetches = 0
let isIssuerUp = true
let compute: Compute
let owner: { role: string; password: string; database: string }

const good = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const goodRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tokens-'))
  control = await startTestControl()
  const { context, client } = control
  const { domain } = context.settings
  const files = await ensureCertificates({ directory, domain })
  const tls = await readCertificatePair(files)
  https = createHttpsClient(await readFile(files.caPath))

  const keys = {
    keys: [
      { ...(await exportJWK(good.publicKey)), kid: 'ec', alg: 'ES256', use: 'sig' },
      { ...(await exportJWK(goodRsa.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' },
    ],
  }
  issuer = createServer(tls, (_request, response) => {
    fetches++
    response.writeHead(isIssuerUp ? 200 : 503).end(JSON.stringify(keys))
  })
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', () => resolve()))
  const bound = issuer.address()
  issuerUrl = `https://localhost:${typeof bound === 'object' && bound ? bound.port : 0}/jwks`

  const startGateway = async (listenSql: HttpsAddress[], siblings?: Siblings) => {
    const made = createGateway({
      controlPlane: createControlPlane({ ...context, timeTravel: new TimeTravel(context) }),
      tls,
      secret: 'a secret',
      domain,
      listen: [],
      listenSql,
      fetchKeySet: async (url, signal) => https.fetch(url, { signal }),
      log: context.log,
      limits: { drainGraceMs: 200 },
      ...(siblings && { siblings }),
    })
    gateways.push(made)
    await made.start()
    return made
  }
  const here = [{ host: '127.0.0.1', port: 0 }]
  alone = await startGateway(here)
  const [first, owning] = [7, 200].map((number) => new Siblings({ directory, number }))
  for (const one of [first, owning]) one?.setSlots([200])
  await startGateway([], owning)
  beside = await startGateway(here, first)
  const made = await client.createProject({ body: { project: { name: 'tokens' } } })
  const { role, password, database } = must(
    made.connection_uris[0],
    'it was made with one',
  ).connection_parameters
  owner = { role, password, database }
  compute = must(context.host.get(must(made.endpoints[0], 'likewise').id), 'it is known')
  await setIssuers([{ jwksUrl: issuerUrl, roleNames: ['authenticated'], audience: 'app' }])
  await asSuperuser(`
    create role authenticated login;
    create role anonymous login password 'its own';
    create role unlisted login;
    create table notes (owner_id text not null, body text);
    alter table notes enable row level security;
    grant select, insert on notes to authenticated, anonymous`)
})

beforeEach(() => {
  isIssuerUp = true
})

afterAll(async () => {
  https?.close()
  for (const one of gateways.toReversed()) await one.stop()
  issuer?.close()
  await control?.close()
  await rm(directory, { recursive: true, force: true })
})

async function setIssuers(jwks: JwksSource[]): Promise<void> {
  await control.context.host.put({ ...compute.spec, jwks })
}

/** A branch of the default one, which takes the same tokens. */
async function makeBranch(name: string) {
  const { client, context } = control
  const projectId = String(compute.spec.labels['project_id'])
  const { branch, endpoints } = await client.createProjectBranch({
    path: { project_id: projectId },
    body: { branch: { name }, endpoints: [{ type: 'read_write' }] },
  })
  const endpointId = must(endpoints[0], 'one was asked for').id
  const own = (): Compute => must(context.host.get(endpointId), 'it is known')
  const takeTokens = async (): Promise<void> => {
    await context.host.put({ ...own().spec, jwks: compute.spec.jwks })
  }
  await takeTokens()
  return {
    projectId,
    endpointId,
    id: branch.id,
    parentId: String(branch.parent_id),
    compute: own,
    setIssuers: takeTokens,
  }
}

async function asSuperuser(text: string): Promise<void> {
  await compute.withSuperuser(owner.database, async (sql) => {
    await sql.unsafe(`set search_path = public; ${text}`)
  })
}

const now = () => Math.floor(Date.now() / 1000)

async function token(
  claims: Record<string, unknown> = {},
  { key = good.privateKey, kid = 'ec', alg = 'ES256' }: TokenOptions = {},
): Promise<string> {
  return new SignJWT({ sub: 'alice', aud: 'app', exp: now() + 300, ...claims } as JWTPayload)
    .setProtectedHeader({ alg, ...(kid !== null && { kid }) })
    .sign(key)
}

interface TokenOptions {
  key?: KeyObject | Uint8Array
  kid?: string | null
  alg?: string
}

interface Asked {
  role?: string
  password?: string
  database?: string
  endpointId?: string
  via?: Gateway
}

interface Answer {
  status: number
  message?: string
  rows?: Record<string, unknown>[]
  results?: { rows: Record<string, unknown>[] }[]
}

/** One request of the driver's, with a token where one is given. */
async function ask(
  shown: string | undefined,
  queries: string | string[],
  {
    role = 'authenticated',
    password = '',
    database = owner.database,
    endpointId,
    via = alone,
  }: Asked = {},
): Promise<Answer> {
  const { domain } = control.context.settings
  const host = `${endpointId ?? compute.spec.endpointId}.${domain}`
  const port = must(via.sqlAddresses()[0], 'it listens').port
  const list = Array.isArray(queries) ? queries : undefined
  const body = list ? { queries: list.map((query) => ({ query })) } : { query: queries }
  const response = await https.fetch(`https://apiauth.${domain}:${port}/sql`, {
    method: 'POST',
    headers: {
      'neon-connection-string': `postgresql://${role}:${encodeURIComponent(password)}@${host}/${database}`,
      ...(shown !== undefined && { authorization: `Bearer ${shown}` }),
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, ...((await response.json()) as object) }
}

const whoAmI = `
  select session_user::text as session, current_user::text as current,
    auth.user_id() as id, auth.session() ->> 'aud' as audience`

test('a token is good for its role, and the session knows its claims', async () => {
  for (const options of [{}, { key: goodRsa.privateKey, kid: 'rsa', alg: 'RS256' }]) {
    expect(await ask(await token({}, options), whoAmI)).toMatchObject({
      status: 200,
      rows: [{ session: 'authenticated', current: 'authenticated', id: 'alice', audience: 'app' }],
    })
  }
  const uuid = 'b3b0f6c1-5f0e-4a53-9b37-0d3a3b0f7a11'
  expect((await ask(await token({ sub: uuid }), 'select auth.uid() as id')).rows).toEqual([
    { id: uuid },
  ])
})

test('row security by auth.user_id() keeps clients apart, on the same server connection', async () => {
  await asSuperuser(`
    create policy own on notes using (owner_id = (select auth.user_id()))
      with check (owner_id = (select auth.user_id()))`)
  const [alice, bob] = [await token(), await token({ sub: 'bob' })]
  const insert = (id: string) => `insert into public.notes values ('${id}', 'by ${id}')`
  expect((await ask(alice, insert('alice'))).status).toBe(200)
  expect((await ask(bob, insert('bob'))).status).toBe(200)
  expect((await ask(bob, insert('alice'))).message).toContain('row-level security policy')
  const select = 'select body, pg_backend_pid() as pid from public.notes'
  const [ofAlice, ofBob] = [await ask(alice, select), await ask(bob, select)]
  expect(ofAlice.rows).toEqual([{ body: 'by alice', pid: expect.any(Number) }])
  expect(ofBob.rows).toEqual([{ body: 'by bob', pid: ofAlice.rows?.[0]?.['pid'] }])
  const asOwner = { role: owner.role, password: owner.password }
  expect((await ask(undefined, 'select body from public.notes', asOwner)).rows).toHaveLength(2)
})

test('claims cannot be made up, or taken from another session', async () => {
  const forged = Buffer.from(JSON.stringify({ sub: 'bob', exp: now() + 300 })).toString('base64')
  const alice = await token()
  for (const value of [`${'0'.repeat(64)}.${forged}`, forged, `.${forged}`, 'x', '']) {
    const { results } = await ask(alice, [
      `select set_config('coppice.jwt', '${value}', false)`,
      'select auth.user_id() as id',
    ])
    expect(results?.[1]?.rows).toEqual([{ id: null }])
  }
  const seal = `split_part(current_setting('coppice.jwt'), '.', 1)`
  const { results } = await ask(alice, [
    `select set_config('coppice.jwt', ${seal} || '.${forged}', false)`,
    'select auth.user_id() as id',
  ])
  expect(results?.[1]?.rows).toEqual([{ id: null }])
  expect((await ask(alice, 'select * from auth.token_key')).message).toContain('permission denied')
  expect((await ask(alice, whoAmI)).rows).toMatchObject([{ id: 'alice' }])
})

test('claims that the owner of a branch has sealed count on no other', async () => {
  const branch = await makeBranch('of-somebody')
  await ask(await token(), 'select 1', { endpointId: branch.endpointId })
  const forged = Buffer.from(JSON.stringify({ sub: 'bob', exp: now() + 300 })).toString('base64')
  const sealed = await branch.compute().withSuperuser(owner.database, async (sql) => {
    const [row] = await sql<{ seal: string }[]>`
      select encode(sha256(outer_pad || sha256(inner_pad || ${forged}::bytea)), 'hex') as seal
      from auth.token_key`
    return `${must(row, 'it has a key').seal}.${forged}`
  })
  const claim = [
    `select set_config('coppice.jwt', '${sealed}', false)`,
    'select auth.user_id() as id',
  ]
  const there = await ask(await token(), claim, { endpointId: branch.endpointId })
  expect(there.results?.[1]?.rows).toEqual([{ id: 'bob' }])
  expect((await ask(await token(), claim)).results?.[1]?.rows).toEqual([{ id: null }])
})

test('claims count as soon as a branch has been restored from another', async () => {
  const branch = await makeBranch('restored')
  const alice = { endpointId: branch.endpointId }
  expect((await ask(await token(), whoAmI, alice)).rows).toMatchObject([{ id: 'alice' }])
  const path = { project_id: branch.projectId, branch_id: branch.id }
  await control.client.restoreProjectBranch({
    path,
    body: { source_branch_id: branch.parentId },
  })
  await branch.setIssuers()
  expect((await ask(await token(), whoAmI, alice)).rows).toMatchObject([{ id: 'alice' }])
})

test('claims of one session are not shown to another of the same role', async () => {
  const bob = ask(await token({ sub: 'bob' }), 'select pg_sleep(1), auth.user_id() as id')
  const alice = await token()
  let seen: Record<string, unknown>[] = []
  await until(async () => {
    const others = `
      select query from pg_stat_activity
      where usename = current_user and pid <> pg_backend_pid()`
    seen = (await ask(alice, others)).rows ?? []
    return seen.some(({ query }) => String(query).includes('pg_sleep'))
  })
  expect(JSON.stringify(seen)).not.toMatch(/[0-9a-f]{64}/)
  expect((await bob).rows).toMatchObject([{ id: 'bob' }])
  expect(
    (
      await ask(undefined, 'select query from pg_stat_statements', {
        role: owner.role,
        password: owner.password,
      })
    ).rows,
  ).not.toContainEqual({ query: expect.stringMatching(/[0-9a-f]{64}/) })
})

test('a gateway whose pools are in another process passes claims on, once for each request', async () => {
  const via = beside
  const [alice, bob] = [await token(), await token({ sub: 'bob' })]
  for (const [shown, id] of [
    [alice, 'alice'],
    [bob, 'bob'],
    [alice, 'alice'],
  ] as const) {
    expect((await ask(shown, whoAmI, { via })).rows).toMatchObject([{ id }])
    const { results } = await ask(shown, ['select 1 as one', whoAmI], { via })
    expect(results?.[1]?.rows).toMatchObject([{ id }])
  }
  const { pools } = await beside.poolAdmin.report({ endpointId: compute.spec.endpointId })
  expect(pools.map((pool) => pool.clients.pinned)).toEqual(pools.map(() => 0))
})

test('claims end with the request, and their connection goes on without them', async () => {
  const { results } = await ask(await token(), [
    'select auth.user_id() as id',
    'commit',
    'select auth.user_id() as id',
  ])
  expect(results?.map(({ rows }) => rows)).toEqual([[{ id: 'alice' }], [], [{ id: null }]])
})

test.each([
  'reset role',
  'reset session authorization',
  'set session authorization default',
  'set role none',
])('%s leaves the session the role that it is', async (statement) => {
  const { results } = await ask(await token(), [statement, 'select session_user, current_user'])
  expect(results?.[1]?.rows).toEqual([
    { session_user: 'authenticated', current_user: 'authenticated' },
  ])
})

test.each(['set role cloud_admin', 'set session authorization cloud_admin'])(
  '%s is refused',
  async (statement) => {
    expect((await ask(await token(), statement)).message).toMatch(/permission denied|must be/)
  },
)

test('what is wrong with a token is told where its signature is good, and nothing else is', async () => {
  const refused = "the token is not accepted for role 'authenticated'"
  const pem = good.publicKey.export({ type: 'spki', format: 'pem' })
  const bytes = new TextEncoder().encode(String(pem))
  const unsigned = `${Buffer.from('{"alg":"none","kid":"ec"}').toString('base64url')}.${Buffer.from(
    JSON.stringify({ sub: 'alice', aud: 'app', exp: now() + 300 }),
  ).toString('base64url')}.`
  const cases: [shown: string, message: string][] = [
    [await token({ exp: now() - 60 }), 'the token has expired'],
    [await token({ nbf: now() + 60 }), "the token's claim nbf does not fit"],
    [await token({ aud: 'other' }), "the token's claim aud does not fit"],
    [await token({ exp: undefined }), "the token's claim exp does not fit"],
    [await token({}, { kid: null }), 'the token has no key id (kid)'],
    [await token({}, { key: foreign.privateKey }), refused],
    [await token({}, { key: foreign.privateKey, kid: 'other' }), refused],
    [await token({}, { key: bytes, alg: 'HS256' }), refused],
    [unsigned, refused],
    [
      'no.token.atall',
      'missing authentication credentials: required authorization bearer token in JWT format',
    ],
  ]
  for (const [shown, message] of cases) {
    expect(await ask(shown, 'select 1')).toMatchObject({ status: 400, message })
  }
  const inTheSkew = await token({ exp: now() - 20, nbf: now() + 20 })
  expect((await ask(inTheSkew, 'select 1')).status).toBe(200)
})

test('a role that tokens are not for, and an endpoint that is not there, look alike', async () => {
  for (const role of ['unlisted', 'nobody', 'cloud_admin', owner.role]) {
    expect(await ask(await token(), 'select 1', { role })).toMatchObject({
      status: 400,
      message: `the token is not accepted for role '${role}'`,
    })
  }
  const endpointId = 'ep-not-there-12345678'
  expect(await ask(await token(), 'select 1', { endpointId })).toMatchObject({
    status: 400,
    message: "the token is not accepted for role 'authenticated'",
  })
  expect(await ask(await token(), 'select 1', { database: 'none' })).toMatchObject({
    status: 400,
    message: 'database "none" does not exist',
  })
  expect((await ask(undefined, 'select 1')).message).toContain('required password')
})

test('another issuer’s role takes effect while the compute runs, and passwords go on', async () => {
  const { pid } = compute
  await setIssuers([
    { jwksUrl: 'https://localhost:1/none', roleNames: ['anonymous'] },
    { jwksUrl: issuerUrl, roleNames: ['authenticated', 'anonymous'] },
  ])
  const anonymous = { role: 'anonymous' }
  expect(await ask(await token(), whoAmI, anonymous)).toMatchObject({
    status: 200,
    rows: [{ session: 'anonymous', id: 'alice' }],
  })
  const own = { ...anonymous, password: 'its own' }
  expect((await ask(undefined, whoAmI, own)).rows).toMatchObject([
    { session: 'anonymous', id: null },
  ])
  const wrong = { ...anonymous, password: 'wrong' }
  expect((await ask(undefined, 'select 1', wrong)).message).toContain('password authentication')
  expect(compute.pid).toBe(pid)
})

test('keys are fetched once, and do while their issuer is down', async () => {
  const before = fetches
  isIssuerUp = false
  for (let i = 0; i < 3; i++) expect((await ask(await token(), 'select 1')).status).toBe(200)
  expect(fetches).toBe(before)
  await setIssuers([{ jwksUrl: `${issuerUrl}/other`, roleNames: ['authenticated'] }])
  expect(await ask(await token(), 'select 1')).toMatchObject({
    status: 500,
    message: 'the keys of the token issuer cannot be fetched',
  })
})

test('a schema auth of the user’s own is left alone', async () => {
  await setIssuers([{ jwksUrl: issuerUrl, roleNames: ['authenticated'] }])
  await compute.withSuperuser('postgres', async (sql) => {
    await sql.unsafe(`create database theirs owner "${owner.role}"`)
  })
  await compute.withSuperuser('theirs', async (sql) => {
    await sql.unsafe(`create schema auth authorization "${owner.role}"`)
  })
  expect(await ask(await token(), 'select 1', { database: 'theirs' })).toMatchObject({
    status: 400,
    message: expect.stringContaining('schema auth of this database is not the platform'),
  })
})
