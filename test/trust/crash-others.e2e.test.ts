import { afterAll, beforeAll, test } from 'vitest'

import { CrashStage } from './crash-stage.ts'
import { isLong, isTimeUp, seed } from './form.ts'
import {
  findPostmasters,
  gatewayPids,
  killAll,
  killEverything,
  postgresProcesses,
  storePid,
} from './processes.ts'
import { randomNumbers } from './random-numbers.ts'
import { points } from './steps.ts'

/**
 * `kill -9` of everybody but the daemon, while an operation stands still at one of its steps: it ends by
 * itself, with success or with a failure that leaves nothing. And of all at once, as where a machine stops.
 */
let stage: CrashStage

beforeAll(async () => {
  stage = await CrashStage.set('others die at every step')
})

afterAll(async () => {
  await stage?.clear()
})

const victims = {
  gateway: async () => killAll(gatewayPids(stage.platform)),
  store: async () => killAll([storePid(stage.platform) ?? 0]),
  'every postmaster': async () => killAll(postmasters()),
  'a backend': async () => killAll(backends()),
}

const isOfStore = (directory: string): boolean =>
  directory.startsWith(`${stage.platform.home}/store/`)

const postmasters = (): number[] =>
  findPostmasters(stage.platform)
    .filter(({ directory }) => !isOfStore(directory))
    .map(({ pid }) => pid)

/** Of each compute one that serves a client, where there is one. */
const backends = (): number[] =>
  postgresProcesses(stage.platform)
    .filter(({ directory, command }) => !isOfStore(directory) && command.includes('neondb_owner'))
    .map(({ pid }) => pid)
    .slice(0, 1)

const everyCase = points.flatMap((point) =>
  [...Object.keys(victims), 'everything'].map((victim) => ({ point, name: point.point, victim })),
)

/** In the short form each victim dies at one step, which is another one for another seed. */
const shuffled = randomNumbers(seed).shuffle(everyCase)
const sample = [...Object.keys(victims), 'everything'].flatMap(
  (victim) => shuffled.find((one) => one.victim === victim) ?? [],
)

test.for(isLong ? shuffled : sample)(
  '$victim dies at $name',
  async ({ victim, point }, { skip }) => {
    skip(isTimeUp())
    for (const call of stage.callsFor(point)) {
      if (victim === 'everything') {
        await stage.dieAt(point, call)
        await killEverything(stage.platform)
        await stage.platform.up()
        await stage.expectWhole({ withinMs: 30_000 })
      } else {
        await stage.whileAt(point, call, victims[victim as keyof typeof victims])
        await stage.expectWhole({ withinMs: 60_000 })
      }
    }
  },
)
