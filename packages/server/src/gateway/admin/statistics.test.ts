import { expect, test } from 'vitest'

import type { GatewayReport, PoolReport, PoolTotals } from '../pool/report.ts'
import { defaultPoolSettings } from '../pool/settings.ts'
import { poolName, since, Statistics } from './statistics.ts'

const none: PoolTotals = {
  assignments: 0,
  transactions: 0,
  queries: 0,
  bytesReceived: 0,
  bytesSent: 0,
  transactionTimeUs: 0,
  queryTimeUs: 0,
  waitTimeUs: 0,
  parsesByClients: 0,
  parsesOnServers: 0,
  binds: 0,
  serverLogins: 0,
}

function pool(role: string, totals: Partial<PoolTotals>): PoolReport {
  return {
    endpointId: 'ep-calm-moss-e5f6a7b8',
    database: 'shop',
    role,
    mode: 'transaction',
    settings: defaultPoolSettings,
    isPaused: false,
    clients: { active: 0, waiting: 0, idle: 0, pinned: 0, cancelling: 0 },
    servers: { active: 0, idle: 0, used: 0, opening: 0, cancelling: 0 },
    longestWaitUs: 0,
    totals: { ...none, ...totals },
  }
}

test('what is counted since a snapshot leaves out what was before', () => {
  const before = pool('a', { queries: 10, bytesSent: 500 })
  const base = { takenAt: 0, totals: new Map([[poolName(before), before.totals]]) }
  const now = [pool('a', { queries: 15, bytesSent: 500 }), pool('b', { queries: 2 })]
  expect(since(now, base)).toEqual({ ...none, queries: 7 })
})

test('a pool that was made anew has counted from zero', () => {
  const before = pool('a', { queries: 10, bytesSent: 500 })
  const base = { takenAt: 0, totals: new Map([[poolName(before), before.totals]]) }
  expect(since([pool('a', { queries: 4, bytesSent: 900 })], base)).toEqual({
    ...none,
    queries: 4,
    bytesSent: 900,
  })
})

test('averages are counted from the last snapshot but one', async () => {
  let queries = 0
  const report = async (): Promise<GatewayReport> => ({
    pools: [pool('a', { queries })],
    clients: [],
    servers: [],
  })
  const statistics = new Statistics({ report })
  const name = poolName(pool('a', {}))
  const queriesAtBase = () => statistics.base.totals.get(name)?.queries
  expect(queriesAtBase()).toBeUndefined()
  for (queries of [3, 8]) await statistics.look()
  expect(queriesAtBase()).toBe(3)
  queries = 20
  await statistics.look()
  expect(queriesAtBase()).toBe(8)
  statistics.stop()
})
