import type { PoolerClient } from '@coppice/api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../../testing/control.ts'
import type { EndpointPools } from '../pooler.ts'

/** What the API tells of the pooler, with a gateway that is only told of. */

let control: TestControl
let path: { project_id: string; endpoint_id: string }
let report: EndpointPools

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({
    body: { project: { name: 'shop', default_endpoint_settings: {} } },
  })
  path = { project_id: made.project.id, endpoint_id: made.endpoints[0]?.id ?? '' }
})

afterAll(async () => control?.close())

function client(id: number, changes: Partial<PoolerClient> = {}): PoolerClient {
  return {
    id,
    database: 'neondb',
    role: 'neondb_owner',
    state: 'idle',
    via: 'wire',
    application_name: '',
    address: '192.0.2.7',
    connected_at: '2026-01-01T00:00:00Z',
    last_request_at: '2026-01-01T00:00:00Z',
    wait_ms: 0,
    prepared_statements: 0,
    pinned_because: [],
    ...changes,
  }
}

test('without a gateway there is nothing to tell', async () => {
  await expect(control.client.getProjectEndpointPooler({ path })).rejects.toMatchObject({
    code: 'not_available',
  })
})

test('the settings in force stand beside the pools', async () => {
  report = { pools: [], clients: [] }
  control.context.poolReport = async (endpointId) => {
    expect(endpointId).toBe(path.endpoint_id)
    return report
  }
  await control.client.updateProjectEndpoint({
    path,
    body: { endpoint: { settings: { pgbouncer_settings: { default_pool_size: '7' } } } },
  })
  const { pooler } = await control.client.getProjectEndpointPooler({ path })
  expect(pooler).toMatchObject({
    endpoint_id: path.endpoint_id,
    settings: { default_pool_size: 7, pool_mode: 'transaction' },
    pools: [],
  })
})

test('clients are bounded, those that wait or are pinned first', async () => {
  report = {
    pools: [],
    clients: [
      client(1),
      client(2, { state: 'active' }),
      client(3, { state: 'active', pinned_because: ['LISTEN'] }),
      client(4, { state: 'waiting', wait_ms: 20 }),
    ],
  }
  const list = async (limit?: number) =>
    control.client.listProjectEndpointPoolerClients({
      path,
      query: limit === undefined ? {} : { limit },
    })
  expect((await list()).clients.map(({ id }) => id)).toEqual([4, 3, 2, 1])
  expect(await list(2)).toMatchObject({ clients: [{ id: 4 }, { id: 3 }], total: 4 })
  await expect(list(10_001)).rejects.toMatchObject({ status: 400 })
})

test('an endpoint that does not exist has no pooler', async () => {
  await expect(
    control.client.getProjectEndpointPooler({
      path: { ...path, endpoint_id: 'ep-no-such-12345678' },
    }),
  ).rejects.toMatchObject({ code: 'endpoint_not_found' })
})
