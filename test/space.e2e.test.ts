import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform } from './platform.ts'

/** A pool that runs short of space. Needs a pool of a size of its own, so a loop image, so root. */
const isRoot = process.getuid?.() === 0
let platform: TestPlatform

beforeAll(async () => {
  if (isRoot) platform = await startTestPlatform({ poolSize: '1G' })
})

afterAll(async () => {
  await platform?.remove()
})

const count = async (uri: string): Promise<string> => psql(uri, 'SELECT count(*) FROM ballast')

test.runIf(isRoot)('refuses branches early, with nothing half-made', async () => {
  const { connectionUri, client, home } = platform
  await psql(connectionUri, 'CREATE TABLE ballast AS SELECT generate_series(1, 1000) n')
  // Something else that takes the pool's space, down to less than is kept for running computes.
  const { free_bytes } = (await client.getPlatformStatus({})).pool
  await platform.shell(
    `fallocate -l ${free_bytes - 200 * 1024 ** 2} "$COPPICE_HOME/pool/other"; sync`,
  )
  const rows = await count(connectionUri)
  const volumes = async (): Promise<string[]> => readdir(join(home, 'pool', 'volumes'))
  const before = await volumes()
  await expect(platform.neon('branches', 'create', '--name', 'too-much')).rejects.toThrow(
    /storage pool has \d+ MB left.*coppice pool grow/s,
  )
  expect(await volumes()).toEqual(before)
  expect(await count(connectionUri)).toBe(rows)

  await platform.shell('coppice pool grow --size 3G')
  await platform.neon('branches', 'create', '--name', 'fits')
  expect(await count((await platform.neon('connection-string', 'fits')).trim())).toBe(rows)
})
