import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, repository, run, startTestPlatform, type TestPlatform } from './platform.ts'

/** The platform of somebody who is not root: PostgreSQL runs as them, branches are what the disk offers. */
const isRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }
let platform: TestPlatform

beforeAll(async () => {
  platform = await startTestPlatform(isRoot ? { user: nobody } : {})
})

afterAll(async () => {
  await platform?.remove()
})

async function expectWorking(tried: TestPlatform): Promise<void> {
  const { connectionUri } = tried
  await psql(
    connectionUri,
    'CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)',
  )
  await tried.neon('branches', 'create', '--name', 'dev')
  const uri = (await tried.neon('connection-string', 'dev')).trim()
  expect(await psql(uri, 'SELECT count(*) FROM t')).toBe('1000')
  await psql(uri, 'DROP TABLE t')
  expect(await psql(connectionUri, 'SELECT count(*) FROM t')).toBe('1000')
}

test('works without root', async () => {
  expect(['btrfs', 'reflink', 'copy']).toContain(platform.poolDriver)
  await expectWorking(platform)
  await platform.kill()
  await platform.up()
  await platform.neon('branches', 'delete', 'dev', '--hard-delete')
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM t')).toBe('1000')
})

test.runIf(isRoot)('works on a pool image that root has made and mounts', async () => {
  const coppice = join(repository, 'node_modules', '.bin', 'coppice')
  let sudo = async (..._args: string[]): Promise<string> => ''
  const withImage = await startTestPlatform({
    user: nobody,
    prepare: async ({ home, env }) => {
      sudo = async (...args) => run(coppice, [...args, '--home', home], { env })
      await sudo('pool', 'create', '--size', '2G')
    },
  })
  try {
    expect(withImage.poolDriver).toBe('btrfs')
    await expectWorking(withImage)
    await sudo('pool', 'grow', '--size', '3G')
    expect(await withImage.shell('coppice pool status')).toContain('3')
    // As after a reboot.
    await withImage.down()
    await run('umount', [join(withImage.home, 'pool')])
    await sudo('pool', 'mount')
    await withImage.up()
    expect(await psql(withImage.connectionUri, 'SELECT count(*) FROM t')).toBe('1000')
  } finally {
    await withImage.remove()
  }
})
