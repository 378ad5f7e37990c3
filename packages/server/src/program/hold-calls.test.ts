import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { HeldVolume } from '../control/backup/hold.ts'
import type { Context } from '../control/context.ts'
import { homePaths } from '../lib/home.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import { createCopyDriver } from '../volume/copy.ts'
import type { VolumeDriver } from '../volume/volume.ts'
import { createHolds } from './hold-calls.ts'
import type { HoldCalls } from './hold-socket.ts'

let directory: string
let volumes: VolumeDriver
/** Volumes that cannot be destroyed. */
let stuck: Set<string>

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hold-'))
  const root = join(directory, 'pool')
  await mkdir(join(root, 'volumes'), { recursive: true })
  const driver = createCopyDriver(root, undefined)
  stuck = new Set()
  volumes = {
    ...driver,
    destroy: async (id) => {
      if (stuck.has(id)) throw new Error('the disk does not answer')
      await driver.destroy(id)
    },
  }
  await volumes.create('first')
  await mkdir(join(volumes.path('first'), 'pgdata'))
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** As far as clones of a line's snapshots need it. */
function holds(): () => HoldCalls {
  const history = { replayDirectory: join(directory, 'r'), socketDirectory: join(directory, 's') }
  const settings = { platformId: 'platform-a' }
  const context = { volumes, history, settings, locks: new KeyedLock() } as unknown as Context
  return createHolds(context, homePaths(directory))
}

async function take({ calls }: HoldCalls): Promise<string> {
  const held = await calls['take_snapshot']?.({ id: 'first', line: 'line' })
  return (held as HeldVolume).id
}

test('after a backup whose clones could not all be let go of another can be made', async () => {
  const begin = async ({ calls }: HoldCalls) => calls['begin']?.({})
  const newHold = holds()
  const backup = newHold()
  await begin(backup)
  const bad = await take(backup)
  await take(backup)
  stuck.add(bad)
  await expect(begin(newHold())).rejects.toThrow('another backup')
  await expect(backup.end()).rejects.toThrow('the disk does not answer')
  expect(await volumes.list()).toEqual(['first', bad].toSorted())
  expect(await begin(newHold())).toMatchObject({ platform_id: 'platform-a' })
})

test('what could not be let go of is let go of at the end', async () => {
  const backup = holds()()
  const id = await take(backup)
  stuck.add(id)
  await expect(backup.calls['release']?.({ id })).rejects.toThrow('the disk does not answer')
  stuck.clear()
  await backup.end()
  expect(await volumes.list()).toEqual(['first'])
})
