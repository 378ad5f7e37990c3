import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** The past of a branch, from outside: looked at, gone back to, with clients that stay connected. */
let platform: TestPlatform
let mainId: string

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(platform.connectionUri, 'CREATE TABLE ledger (n int PRIMARY KEY)')
  const { branches } = await platform.client.listProjectBranches({
    path: { project_id: platform.projectId },
    query: {},
  })
  mainId = branches[0]?.id ?? ''
})

afterAll(async () => {
  await platform?.remove()
})

const insert = async (n: number): Promise<string> =>
  psql(
    platform.connectionUri,
    `INSERT INTO ledger VALUES (${n}); SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  )

/** What the CLI makes of `main@<moment>`: the branch's id in the endpoint's place, and the moment. */
function uriAt(moment: string): string {
  const uri = new URL(platform.connectionUri)
  const kind = moment.includes('/') ? 'neon_lsn' : 'neon_timestamp'
  const option = `${kind}:${moment}`
  const known = uri.searchParams.get('options')
  if (known !== null) uri.searchParams.set('options', `endpoint=${mainId} ${option}`)
  else {
    uri.host = uri.host.replace(/^[^.]+/, mainId)
    uri.searchParams.set('options', option)
  }
  // libpq reads `+` as itself.
  return uri.toString().replaceAll('+', '%20')
}

test('a moment of the past answers queries, takes no changes, and goes when nobody uses it', async () => {
  const first = await insert(1)
  await insert(2)
  expect(await psql(uriAt(first), 'SELECT array_agg(n) FROM ledger')).toBe('{1}')
  await expect(psql(uriAt(first), 'INSERT INTO ledger VALUES (3)')).rejects.toThrow(
    'cannot execute INSERT in a read-only transaction',
  )
  const lsn = await psql(platform.connectionUri, 'SELECT pg_current_wal_insert_lsn()')
  await insert(3)
  expect(await psql(uriAt(lsn), 'SELECT array_agg(n) FROM ledger')).toBe('{1,2}')
  await expect(psql(uriAt('2020-01-01T00:00:00Z'), 'SELECT 1')).rejects.toThrow(
    'its history begins at',
  )
  const wrong = new URL(uriAt(first))
  wrong.password = 'wrong'
  await expect(psql(wrong.toString().replaceAll('+', '%20'), 'SELECT 1')).rejects.toThrow(
    'password authentication failed',
  )
  await until(
    async () => {
      const { computes } = await platform.client.getPlatformStatus({})
      return computes.every(({ branch_name }) => !branch_name.includes('@'))
    },
    'the moments have been left',
    60_000,
  )
})

test('clients of the pooler stay connected while their branch is restored and reset', async () => {
  const uri = new URL(platform.connectionUri)
  uri.port = String(platform.pooledPort)
  uri.searchParams.delete('sslmode')
  uri.searchParams.delete('channel_binding')
  const client = new Client({
    connectionString: uri.toString(),
    ssl: { rejectUnauthorized: false },
  })
  await client.connect()
  try {
    const numbers = async () =>
      (await client.query<{ n: number }>('SELECT n FROM ledger ORDER BY n')).rows.map(({ n }) => n)
    const before = await numbers()
    const moment = await insert(10)
    await insert(11)
    expect(await numbers()).toEqual([...before, 10, 11])
    await platform.client.restoreProjectBranch({
      path: { project_id: platform.projectId, branch_id: 'main' },
      body: {
        source_branch_id: 'main',
        source_timestamp: moment,
        preserve_under_name: 'main-before',
      },
    })
    expect(await numbers()).toEqual([...before, 10])
    // Its connection string is the one that it always was.
    expect(await psql(platform.connectionUri, 'SELECT max(n) FROM ledger')).toBe('10')
    expect((await platform.neon('connection-string')).trim()).toBe(platform.connectionUri)
  } finally {
    await client.end()
  }
})

test('history survives the death of the daemon, and of a compute', async () => {
  const moment = await insert(20)
  await insert(21)
  for (const pid of await platform.postmasters()) process.kill(pid, 'SIGKILL')
  await platform.kill()
  await platform.up()
  await insert(22)
  const made = await platform.client.createProjectBranch({
    path: { project_id: platform.projectId },
    body: {
      branch: { name: 'after-death', parent_timestamp: moment },
      endpoints: [{ type: 'read_write' }],
    },
  })
  const uri = made.connection_uris?.[0]?.connection_uri ?? ''
  expect(await psql(uri, 'SELECT max(n) FROM ledger')).toBe('20')
})
