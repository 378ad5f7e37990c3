import { existsSync } from 'node:fs'

import { afterAll, beforeAll, expect, test } from 'vitest'

import {
  findControlGroups,
  groupsOfProcess,
} from '../../packages/server/src/compute/find-control-groups.ts'
import { until } from '../platform.ts'
import { Chaos } from './chaos.ts'
import { Figures } from './figures.ts'
import { durationMs, seed } from './form.ts'
import { findPostmasters, gatewayPids, killAll, postgresProcesses } from './processes.ts'
import { randomNumbers } from './random-numbers.ts'
import { rest } from './rest.ts'

/**
 * Clients on both ports write to a branch while it sleeps and wakes, its gateway is replaced, its PostgreSQL
 * dies, branches are made of it and it is restored. What they have seen is serializable, and what they were
 * told of as committed is on one of the lines that the branch has had.
 */
const figures = new Figures('consistency under chaos')
let chaos: Chaos

beforeAll(async () => {
  chaos = await Chaos.begin(figures)
})

afterAll(async () => {
  await chaos?.end()
  await figures.write()
})

/** Of the pool: not the store's. */
const computes = () =>
  findPostmasters(chaos.platform).filter(({ directory }) => directory.includes('/pool/'))

const events: Record<string, () => Promise<unknown>> = {
  'sleeps and wakes': async () =>
    chaos.platform.client.suspendProjectEndpoint({
      path: { project_id: chaos.platform.projectId, endpoint_id: chaos.endpointId },
    }),
  'freezes and thaws': async () => chaos.whilePaused(async () => rest(3500)),
  'gateway is replaced': async () => chaos.platform.shell('coppice gateway restart'),
  'gateway process is killed': async () => killAll(gatewayPids(chaos.platform).slice(0, 1)),
  'backend is killed': async () => {
    const all = postgresProcesses(chaos.platform)
    const backends = all.filter(({ command }) => command.includes('neondb_owner'))
    await killAll(backends.slice(0, 1).map(({ pid }) => pid))
  },
  'postmaster is killed': async () => killAll(computes().map(({ pid }) => pid)),
  'daemon is killed': async () => {
    await chaos.platform.kill()
    await chaos.platform.up()
  },
  'branch is made': async () => chaos.branch(),
  'branch is restored': async () => chaos.restore(),
}

/** Once through all events, and again for as long as there is time. */
const runMs = durationMs({ seconds: 0 }, { minutes: 30 })

test(
  'what clients see is serializable, and what they are told of stays, whatever happens',
  { timeout: runMs + 300_000 },
  async () => {
    const random = randomNumbers(seed)
    const endMs = performance.now() + runMs
    do {
      const left = Object.entries(events)
      while (left.length > 0) {
        await rest(500)
        const [event] = left.splice(random.below(left.length), 1)
        if (event === undefined) break
        const [name, happen] = event
        await happen()
        figures.add(name)
      }
      await rest(500)
      await chaos.expectSane()
    } while (performance.now() < endMs)
  },
)

test('`down` ends what a killed daemon has left, also what it had frozen', async () => {
  const { platform } = chaos
  await chaos.whilePaused(async () => {
    const isFrozen = async (): Promise<boolean> => {
      const status = await platform.client.getPlatformStatus({})
      return status.computes.some((one) => one.endpoint_id === chaos.endpointId && one.frozen)
    }
    const { kind } = await findControlGroups(platform.home, { mayMove: false })
    if (kind !== 'none') await until(isFrozen, 'the compute freezes')
    const groups = computes().flatMap(({ pid }) => groupsOfProcess(pid).platform)
    expect(groups.length > 0).toBe(kind !== 'none')
    await platform.kill()
    await platform.down()
    expect(postgresProcesses(platform)).toEqual([])
    expect(groups.filter((group) => existsSync(group))).toEqual([])
  })
  await platform.up()
  await chaos.expectSane()
})
