import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

async function ipAllow(...argv: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await bench.run('ip-allow', ...argv, '-o', 'json')
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return JSON.parse(stdout)
}

const list = (ips: string[], isProtectedOnly = false) => ({
  id: 'quiet-sea-00000001',
  name: 'shop',
  IP_addresses: ips,
  protected_branches_only: isProtectedOnly,
})

test('addresses are added, listed and removed, in the shape of Neon’s CLI', async () => {
  expect(await ipAllow('list')).toEqual(list([]))
  expect(await ipAllow('add', '192.0.2.1,', '198.51.100.0/24')).toEqual(
    list(['192.0.2.1', '198.51.100.0/24']),
  )
  expect(bench.api.requests.at(-1)?.body).toEqual({
    project: {
      settings: {
        allowed_ips: { ips: ['192.0.2.1', '198.51.100.0/24'], protected_branches_only: false },
      },
    },
  })
  expect(await ipAllow('add', '192.0.2.1', '::1', '--protected-only')).toEqual(
    list(['192.0.2.1', '::1', '198.51.100.0/24'], true),
  )
  expect(await ipAllow('remove', '198.51.100.0/24', '192.0.2.9')).toEqual(
    list(['192.0.2.1', '::1'], true),
  )
  expect(await ipAllow('add', '192.0.2.2', '--no-protected-only')).toEqual(
    list(['192.0.2.2', '192.0.2.1', '::1']),
  )
  expect(await ipAllow('list')).toEqual(list(['192.0.2.2', '192.0.2.1', '::1']))
  expect(await ipAllow('reset', '192.0.2.7')).toEqual(list(['192.0.2.7']))
})

test('an empty list is told to be open', async () => {
  await ipAllow('add', '192.0.2.1')
  for (const argv of [['remove', '192.0.2.1'], ['reset']]) {
    const { stdout, stderr } = await bench.run('ip-allow', ...argv)
    expect(stderr).toBe('Clients can connect to project shop from anywhere now.\n')
    expect(stdout).toMatch(/^Addresses +any$/m)
  }
})

test.each(['add', 'remove'])('%s needs an address', async (verb) => {
  const { code, stderr } = await bench.run('ip-allow', verb)
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`coppice ip-allow ${verb} 192.0.2.1`),
  })
  expect(bench.api.requests).toEqual([])
})
