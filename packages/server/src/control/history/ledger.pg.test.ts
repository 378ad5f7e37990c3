import { readdir } from 'node:fs/promises'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../../testing/control.ts'
import { createBtrfsDriver } from '../../volume/btrfs.ts'
import { Cleanup } from '../../volume/testing/cleanup.ts'
import { canMount, mountImage } from '../../volume/testing/pools.ts'
import { LedgerActor } from './testing/ledger-actor.ts'
import { LedgerPlatform } from './testing/ledger-platform.ts'
import { ledgerSchema, writeLedger } from './testing/ledger-writer.ts'
import { Random } from './testing/random.ts'

/**
 * History against an oracle: writers commit numbered transactions to random branches while branches are
 * made of the present and the past, restored, reset, suspended, killed, trimmed and deleted, several at
 * once; every result is compared with what is known outside of the databases.
 *
 * `COPPICE_LEDGER_SECONDS` is how long, `COPPICE_LEDGER_SEED` repeats the choices of a run.
 */
const seconds = Number(env['COPPICE_LEDGER_SECONDS'] ?? 45)
const seed = Number(env['COPPICE_LEDGER_SEED'] ?? 20_261_125)
const writers = 3
const actors = 3

const cleanup = new Cleanup()
let control: TestControl | undefined

beforeAll(async () => {
  if (!canMount) return
  control = await startTestControl({
    createVolumes: async (_, user) =>
      createBtrfsDriver(await mountImage('btrfs', 12 * 1024 ** 3, cleanup), user),
  })
  await control.context.history.archiver.start()
})

afterAll(async () => {
  await control?.close()
  await cleanup.run()
})

test.skipIf(!canMount)(
  'whatever happens, a moment holds all that was committed by then and nothing that came later',
  { timeout: (seconds + 300) * 1000, retry: 0 },
  async ({ annotate }) => {
    if (control === undefined) throw new Error('the platform has not started')
    const platform = await preparePlatform(control)
    let lastId = 0
    const stop = new AbortController()
    const writing = Array.from({ length: writers }, async (_, index) => {
      const random = new Random(seed + index)
      await writeLedger(
        {
          random,
          choose: async () => platform.compute(random.pick([...platform.writable]) ?? ''),
          lineOf: (volumeId) => platform.lineOf(volumeId),
          nextId: () => ++lastId,
        },
        stop.signal,
      )
    })
    const deadline = performance.now() + seconds * 1000
    const acting = Array.from({ length: actors }, async (_, index) => {
      const actor = new LedgerActor(platform, new Random(seed + 1000 + index), index)
      while (performance.now() < deadline && platform.faults.length === 0) {
        await actor.act()
        await delay(20)
      }
    })
    await Promise.all(acting)
    stop.abort()
    await Promise.all(writing)
    const random = new Random(seed - 1)
    for (const branchId of platform.live) {
      if (platform.faults.length > 0) break
      await platform.look(branchId, await platform.chooseTarget(branchId, random), random)
    }
    const counts = [...platform.counts].map(([what, n]) => `${n} ${what}`).join(', ')
    await annotate(`seed ${seed}, ${lastId} transactions: ${counts}`)
    expect(platform.faults, `seed ${seed}\n${platform.journal.slice(-800).join('\n')}`).toEqual([])
    expect(platform.counts.get('compared')).toBeGreaterThan(seconds / 4)
    const { history, volumes } = control.context
    expect(await readdir(history.replayDirectory)).toEqual([])
    expect((await volumes.list()).filter((id) => id.startsWith('scratch-'))).toEqual([])
  },
)

async function preparePlatform(of: TestControl): Promise<LedgerPlatform> {
  const { project, branch } = await of.client.createProject({
    body: {
      project: {
        default_endpoint_settings: {
          suspend_timeout_seconds: -1,
          pg_settings: { max_prepared_transactions: '50' },
        },
      },
    },
  })
  const platform = new LedgerPlatform(of, project.id)
  const compute = await platform.compute(branch.id)
  if (compute === undefined) throw new Error('the project has no compute')
  await compute.withSuperuser('neondb', async (sql) => sql.unsafe(ledgerSchema))
  await platform.adopt(branch.id, { cluster: compute, asked: undefined, fromUs: 0, what: 'main' })
  platform.live.add(branch.id)
  platform.writable.add(branch.id)
  return platform
}
