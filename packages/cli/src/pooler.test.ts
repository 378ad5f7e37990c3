import type { PoolerClient, PoolerPool } from '@coppice/api'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'
import { addBranch, addEndpoint } from './testing/fake-world.ts'

const project = 'quiet-sea-00000001'

const pool: PoolerPool = {
  database: 'neondb',
  role: 'neondb_owner',
  pool_mode: 'transaction',
  paused: true,
  clients: { active: 2, waiting: 1, idle: 0, pinned: 1 },
  servers: { active: 2, idle: 0, opening: 0 },
  longest_wait_ms: 1500,
  transactions: 42,
  queries: 50,
}

const client: PoolerClient = {
  id: 12,
  database: 'neondb',
  role: 'neondb_owner',
  state: 'active',
  via: 'wire',
  application_name: 'app',
  address: '192.0.2.7',
  connected_at: '2026-01-01T00:00:00Z',
  last_request_at: '2026-01-01T00:00:00Z',
  wait_ms: 0,
  prepared_statements: 0,
  pinned_because: ['LISTEN'],
}

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

test('the status of a pooler that nobody has used says so', async () => {
  const { code, stdout } = await bench.run('pooler', 'status')
  expect(code).toBe(0)
  expect(stdout).toContain('transaction mode')
  expect(stdout).toContain('No pools yet')
})

test('the status lists pools, and what there is none of is left out', async () => {
  bench.world.pools.push(pool)
  const { stdout } = await bench.run('pooler', 'status', 'main')
  expect(stdout).toMatch(
    /neondb +neondb_owner +transaction, paused +2 active, 1 waiting, 1 pinned +2 active +1\.5 s +42/,
  )
  const { stdout: json } = await bench.run('pooler', 'status', '-o', 'json')
  expect(JSON.parse(json)).toMatchObject({ settings: { default_pool_size: 25 }, pools: [pool] })
})

test('clients are listed with what pins them', async () => {
  const empty = await bench.run('pooler', 'clients')
  expect(empty.stdout).toBe('No client is connected to the pooler.\n')
  bench.world.poolerClients.push(client, { ...client, id: 13, pinned_because: [] })
  const { stdout } = await bench.run('pooler', 'clients', '--limit', '1')
  expect(stdout).toMatch(/PINNED BECAUSE\n12 .* LISTEN\n\n1 more; --limit shows them\.\n$/)
  const { stdout: json } = await bench.run('pooler', 'clients', '-o', 'json')
  expect(JSON.parse(json)).toHaveLength(2)
})

test('an endpoint is named by itself, by its branch or not at all', async () => {
  const dev = addBranch(bench.world, project, { name: 'dev' })
  const ofDev = addEndpoint(bench.world, dev, { type: 'read_write' })
  const [main] = bench.world.endpoints
  const asked = async (...argv: string[]) => {
    bench.api.requests.length = 0
    await bench.run('pooler', 'status', ...argv)
    return bench.api.requests.at(-1)?.path
  }
  const url = (id = '') => `/projects/${project}/endpoints/${id}/pooler`
  expect(await asked()).toBe(url(main?.id))
  expect(await asked('dev')).toBe(url(ofDev.id))
  expect(await asked('--branch', 'dev')).toBe(url(ofDev.id))
  expect(await asked(ofDev.id)).toBe(url(ofDev.id))
})
