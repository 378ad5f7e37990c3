import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { parseConnectionUri, travelTo } from './connection-uri.ts'
import { type Bench, startBench } from './testing/cli.ts'
import { addBranch, addDatabase, addEndpoint, addRole } from './testing/fake-world.ts'

const project = 'quiet-sea-00000001'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

async function uri(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await bench.run('connection-string', ...argv)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.trimEnd()
}

const options = 'options=endpoint%3Dep-quiet-sea-00000001%20-c%20a%3Db'
const plain =
  "postgresql://neondb_owner:p%40ss%20w%3Ard%2F%25'%24@ep-quiet-sea-00000001.localhost:5432/neondb"

test('it is what the API answers', async () => {
  expect(await uri()).toBe(`${plain}?sslmode=require&channel_binding=require&${options}`)
  expect(await uri('main')).toBe(await uri('--branch', 'main'))
})

test('--ssl changes only how TLS is checked', async () => {
  expect(await uri('--ssl', 'omit')).toBe(`${plain}?${options}`)
  expect(await uri('--ssl', 'verify-full')).toBe(
    `${plain}?sslmode=verify-full&channel_binding=require&${options}`,
  )
  const { code, stderr } = await bench.run('cs', '--ssl', 'maybe')
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('verify-ca') })
})

test('--pooled asks the API, --prisma adds what Prisma wants', async () => {
  expect(await uri('--pooled')).toContain('@ep-quiet-sea-00000001-pooler.localhost:5432/')
  expect(await uri('--prisma')).toMatch(/&connect_timeout=30$/)
  expect(await uri('--prisma', '--pooled')).toMatch(
    /&connect_timeout=30&pool_timeout=30&pgbouncer=true$/,
  )
})

test('--extended gives the parts', async () => {
  const { stdout } = await bench.run('cs', '--extended', '-o', 'json')
  expect(JSON.parse(stdout)).toEqual({
    connection_string: await uri(),
    host: 'ep-quiet-sea-00000001.localhost:5432',
    role: 'neondb_owner',
    password: "p@ss w:rd/%'$",
    database: 'neondb',
    options: `sslmode=require&channel_binding=require&${options}`,
  })
})

test('of several databases the first is used, as its owner, and that is said', async () => {
  const [main] = bench.world.branches
  addRole(bench.world, main?.id ?? '', 'app')
  addDatabase(bench.world, main?.id ?? '', 'shop', 'app')
  const plain = await bench.run('cs')
  expect(plain.code).toBe(0)
  expect(plain.stdout).toMatch(/^postgresql:\/\/neondb_owner:.*\/neondb\?.*\n$/)
  expect(plain.stderr).toContain('several databases; using neondb. Choose with --database-name')
  expect(await uri('--database-name', 'shop')).toMatch(/^postgresql:\/\/app:.*\/shop\?/)
  expect(await uri('--role-name', 'app', '--database-name', 'shop')).toContain('/shop?')
})

test('--endpoint-type picks the compute', async () => {
  const [main] = bench.world.branches
  expect((await bench.run('cs', '--endpoint-type', 'read_only')).stderr).toContain(
    'No read_only endpoint found',
  )
  if (main) addEndpoint(bench.world, main, { type: 'read_only' })
  expect(await uri('--endpoint-type', 'read_only')).toContain('@ep-quiet-sea-00000002.')
})

test('a pinned branch is used, unless another is named', async () => {
  const branch = addBranch(bench.world, project, {
    name: 'pinned',
    parentId: bench.world.branches[0]?.id,
  })
  addEndpoint(bench.world, branch, { type: 'read_write' })
  const set = await bench.run('set-context', '--project-id', project, '--branch', 'pinned')
  expect(set.stderr).toContain(join(bench.cwd, '.neon'))
  expect(await uri()).toContain('@ep-quiet-sea-00000002.')
  expect(await uri('main')).toContain('@ep-quiet-sea-00000001.')
  expect((await bench.run('set-context')).code).toBe(0)
  expect(JSON.parse(await readFile(join(bench.cwd, '.neon'), 'utf8'))).toEqual({})
})

async function installPsql(exitCode: number): Promise<string> {
  const notes = join(bench.cwd, 'notes')
  await mkdir(join(bench.cwd, 'bin'), { recursive: true })
  const psql = join(bench.cwd, 'bin', 'psql')
  await writeFile(psql, `#!/bin/sh\n{ env; echo "ARGS=$*"; } > '${notes}'\nexit ${exitCode}\n`)
  await chmod(psql, 0o755)
  bench.environment['PATH'] = `${join(bench.cwd, 'bin')}:${bench.environment['PATH']}`
  return notes
}

test('psql gets its connection by environment and its arguments as they are', async () => {
  const path = await installPsql(3)
  Object.assign(bench.environment, { PGHOSTADDR: '10.0.0.1', PGSERVICE: 'x', PGAPPNAME: 'kept' })
  const { code, stdout } = await bench.run('psql', 'main', '--', '-c', 'SELECT 1', '--debug')
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  const lines = (await readFile(path, 'utf8')).split('\n')
  expect(lines).toContain('ARGS=-c SELECT 1 --debug')
  for (const line of [
    'PGHOST=ep-quiet-sea-00000001.localhost',
    'PGPORT=5432',
    'PGUSER=neondb_owner',
    "PGPASSWORD=p@ss w:rd/%'$",
    'PGDATABASE=neondb',
    'PGOPTIONS=endpoint=ep-quiet-sea-00000001 -c a=b',
    'PGSSLMODE=require',
    'PGCHANNELBINDING=require',
    'PGAPPNAME=kept',
  ]) {
    expect(lines).toContain(line)
  }
  expect(lines.filter((line) => /^(PGHOSTADDR|PGSERVICE)=/.test(line))).toEqual([])
})

test('--psql connects to what has just been created', async () => {
  const path = await installPsql(0)
  const { code } = await bench.run('branches', 'create', 'dev', '--psql', '--', '-l')
  expect(code).toBe(0)
  const notes = await readFile(path, 'utf8')
  expect(notes).toContain('PGHOST=ep-quiet-sea-00000002.localhost\n')
  expect(notes).toContain('ARGS=-l\n')
})

test('a missing psql is told with how to install it', async () => {
  bench.environment['PATH'] = bench.cwd
  const { code, stderr } = await bench.run('psql')
  expect(code).toBe(1)
  expect(stderr).toContain('psql is not installed')
  expect(stderr).toContain('postgresql-client')
})

test('a connection string is taken apart', () => {
  expect(parseConnectionUri('postgres://u:p%2F@[::1]:5433/d%20b?a=b%3Dc')).toEqual({
    host: '::1',
    port: '5433',
    role: 'u',
    password: 'p/',
    database: 'd b',
    parameters: new Map([['a', 'b=c']]),
  })
  expect(() => parseConnectionUri('mysql://x')).toThrow('not a connection string')
})

test('a moment leads to the branch then, in the host name and in options', async () => {
  const [main] = bench.world.branches
  const then = '2026-01-31T12:00:00Z'
  const elsewhere = plain.replace('ep-quiet-sea-00000001', main?.id ?? '')
  const endpoint = `endpoint%3D${main?.id}%20-c%20a%3Db`
  expect(await uri(`main@${then}`)).toBe(
    `${elsewhere}?sslmode=require&channel_binding=require` +
      `&options=${endpoint}%20neon_timestamp%3A${encodeURIComponent(then)}`,
  )
  expect(await uri('main@0/16B3748')).toMatch(/%20neon_lsn%3A0%2F16B3748$/)
  expect(parseConnectionUri(await uri('main@0/16B3748')).parameters.get('options')).toBe(
    `endpoint=${main?.id} -c a=b neon_lsn:0/16B3748`,
  )
})

test('where host names resolve, options say only when', () => {
  const uri = 'postgresql://ep-a-b-1:ep-a-b-1@ep-a-b-1.coppice.localhost/ep-a-b-1?sslmode=require'
  expect(travelTo(uri, { id: 'ep-a-b-1', branch_id: 'br-a-b-1' }, { lsn: '0/1' })).toBe(
    'postgresql://ep-a-b-1:ep-a-b-1@br-a-b-1.coppice.localhost/ep-a-b-1?sslmode=require&options=neon_lsn%3A0%2F1',
  )
})

test('only the host is the branch, whatever else has the name of the endpoint', () => {
  const uri = 'postgresql://u:p@localhost/ep-a-b-1?options=endpoint%3Dep-a-b-1'
  expect(travelTo(uri, { id: 'ep-a-b-1', branch_id: 'br-a-b-1' }, { lsn: '0/1' })).toBe(
    'postgresql://u:p@localhost/ep-a-b-1?options=endpoint%3Dbr-a-b-1%20neon_lsn%3A0%2F1',
  )
})

test('psql goes to the past as well, the pooler does not', async () => {
  const path = await installPsql(0)
  expect((await bench.run('psql', 'main@0/16B3748')).code).toBe(0)
  expect(await readFile(path, 'utf8')).toMatch(
    /^PGOPTIONS=endpoint=br-\S+ .* neon_lsn:0\/16B3748$/m,
  )
  const { code, stderr } = await bench.run('cs', 'main@0/16B3748', '--pooled')
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('past') })
})
