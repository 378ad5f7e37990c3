import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

describe('computes why', () => {
  test('shows what keeps a compute awake, and its ledger', async () => {
    bench.world.awakeEvents.push(
      {
        at: '2026-11-25T14:00:00Z',
        event: 'slept',
        reason: 'idle',
        detail: 'no activity for 300 s',
        after: 'woke',
        duration_seconds: 7200,
        cost: 0.05,
      },
      {
        at: '2026-11-25T12:00:00Z',
        event: 'woke',
        reason: 'client',
        application_name: 'shop',
        role: 'app',
        client_address: '192.0.2.7',
        via: 'pooled',
        after: 'frozen',
        duration_seconds: 90,
      },
    )
    const { code, stdout } = await bench.run('computes', 'why', 'main')
    expect(code).toBe(0)
    expect(stdout).toMatch(/Awake for +running a query \(shop as app on db\)/)
    expect(stdout).toMatch(/active, woke .*, 1\.00 CU-hours, \$0\.10/)
    expect(stdout).toMatch(/slept +idle: no activity for 300 s +2 hours awake +\$0\.05/)
    expect(stdout).toMatch(/woke +client +shop as app from 192\.0\.2\.7, pooled +1 min frozen/)
  })

  test('says in JSON what the API says', async () => {
    const { stdout } = await bench.run('computes', 'why', '-o', 'json')
    expect(JSON.parse(stdout)).toMatchObject({ branch_name: 'main', current_state: 'active' })
  })
})

describe('computes quiet', () => {
  test('names the applications that wake nothing, or none', async () => {
    const { stdout } = await bench.run('computes', 'quiet', 'main', 'uptime', 'pgwatch')
    expect(stdout).toMatch(/Not woken by +uptime, pgwatch/)
    await bench.run('computes', 'quiet', 'main', '--none')
    expect(bench.world.quietApplications).toEqual([])
  })

  test('asks for one of both', async () => {
    for (const argv of [['main'], ['main', 'uptime', '--none']]) {
      const { code, stderr } = await bench.run('computes', 'quiet', ...argv)
      expect([code, stderr]).toEqual([1, 'ERROR: Name applications, or say --none.\n'])
    }
  })
})

describe('cost', () => {
  test('shows items, sums, what was saved and advice', async () => {
    bench.world.cost = {
      ...bench.world.cost,
      items: [
        {
          metric: 'storage',
          unit: 'GB-month',
          quantity: 12,
          included: 10,
          price: 0.3,
          cost: 0.6,
          estimate: 1.2,
          estimated_quantity: 14,
        },
      ],
      total: 0.6,
      estimate: 1.2,
      by_preset: [
        { preset: 'mission', currency: 'USD', total: 0.6, estimate: 1.2 },
        { preset: 'neon', currency: 'USD', total: 2, estimate: 4.2 },
      ],
      advice: [
        {
          kind: 'unused_branch',
          project_id: 'p',
          branch_id: 'br-1',
          message: 'branch old has not been used for 20 days: delete it',
          cost_month: 0.35,
        },
      ],
    }
    bench.world.cost.saved.sharing_cost = 0.5
    bench.world.cost.saved.shared_compute_unit_hours = 20
    const { stdout } = await bench.run('cost')
    expect(stdout).toMatch(/storage +12\.0 GB-month +10\.0 +\$0\.30 +\$0\.60 +\$1\.20/)
    expect(stdout).toMatch(/2026-11 +\$0\.60 so far\nEstimate +\$1\.20 for the month/)
    expect(stdout).toMatch(/Elsewhere +mission \$1\.20, neon \$4\.20\n/)
    expect(stdout).toMatch(/Sharing saved +\$0\.50 \(0\.0 GB-months, 20\.0 CU-hours\)/)
    expect(stdout).toContain(
      '- branch old has not been used for 20 days: delete it ($0.35 a month)',
    )
  })

  test('of a project is asked for where one is named', async () => {
    await bench.run('cost', '--month', '2026-10', '--by', 'endpoint')
    await bench.run('cost', '--project-id', 'quiet-sea-00000001')
    expect(bench.api.requests).toMatchObject([
      { path: '/cost', query: { month: '2026-10', by: 'endpoint' } },
      { path: '/projects/quiet-sea-00000001/cost', query: {} },
    ])
    expect((await bench.run('cost', '--month', '2026-13')).code).toBe(1)
  })

  test('prices are shown and set by their names', async () => {
    const { stdout } = await bench.run(
      'cost',
      'prices',
      '--set',
      'egress_gb=0.5',
      '--set',
      'currency=EUR',
    )
    expect(stdout).toMatch(/preset +custom\n/)
    expect(stdout).toMatch(/egress_gb +0\.5\n/)
    expect(bench.world.prices.prices.currency).toBe('EUR')
    expect((await bench.run('cost', 'prices', '--set', 'egress_gb=-1')).code).toBe(1)
  })
})
