import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform } from './platform.ts'

/** The platform of somebody who is not root: PostgreSQL runs as them, branches are what the disk offers. */
const nobody = { uid: 65_534, gid: 65_534 }
let platform: TestPlatform

beforeAll(async () => {
  platform = await startTestPlatform(process.getuid?.() === 0 ? { user: nobody } : {})
})

afterAll(async () => {
  await platform?.remove()
})

test('works without root', async () => {
  expect(['btrfs', 'reflink', 'copy']).toContain(platform.poolDriver)
  await psql(
    platform.connectionUri,
    'CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)',
  )
  await platform.neon('branches', 'create', '--name', 'dev')
  const uri = (await platform.neon('connection-string', 'dev')).trim()
  expect(await psql(uri, 'SELECT count(*) FROM t')).toBe('1000')
  await psql(uri, 'DROP TABLE t')
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM t')).toBe('1000')
  await platform.kill()
  await platform.up()
  await platform.neon('branches', 'delete', 'dev', '--hard-delete')
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM t')).toBe('1000')
})
