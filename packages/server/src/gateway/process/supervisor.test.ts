import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { createLog } from '../../lib/log.ts'
import { createChannelPair } from '../../testing/channel-pair.ts'
import { until } from '../../testing/until.ts'
import { readCertificatePair } from '../certificate-pair.ts'
import { ensureCertificates } from '../certificates.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { TlsMaterial } from '../tls.ts'
import { Supervisor, type WorkerProcess } from './supervisor.ts'
import { Worker } from './worker.ts'

/** Gateway processes that are none: workers in this process, without ports. */
let directory: string
let tls: TlsMaterial
let supervisor: Supervisor
const log = createLog({ level: 'silent', toStderr: false })
/** All that were ever started, by their numbers. */
const spawned: number[] = []
const living = new Map<number, WorkerProcess>()
let spawnFails = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'supervisor-'))
  tls = await readCertificatePair(
    await ensureCertificates({ directory, domain: 'coppice.localhost' }),
  )
})
afterAll(async () => rm(directory, { recursive: true, force: true }))
afterEach(async () => {
  await supervisor.stop()
  await until(() => living.size === 0)
  spawned.length = 0
})

async function spawn(number: number): Promise<WorkerProcess> {
  if (spawnFails > 0) {
    spawnFails--
    throw new Error('no process could be started')
  }
  const { ends, cut } = createChannelPair()
  let end = (): void => undefined
  const exited = new Promise<void>((resolve) => {
    end = resolve
  })
  // As by kill -9: its worker is never told.
  const kill = (): void => {
    cut()
    living.delete(number)
    end()
  }
  new Worker(ends[0], { createLog: () => log, exit: kill })
  const started = { pid: 1000 + number, channel: ends[1], exited, kill }
  spawned.push(number)
  living.set(number, started)
  return started
}

async function start(workers: number, taken: number[] = []): Promise<void> {
  supervisor = new Supervisor({
    controlPlane: {} as ControlPlane,
    workers,
    listeners: [],
    config: {
      directory,
      tls,
      secret: 'a secret',
      domain: 'coppice.localhost',
      version: '0.0.0',
      limits: {},
      logLevel: 'silent',
      logsToStderr: false,
    },
    logFile: (slot) => join(directory, `${slot}.log`),
    spawn,
    isTaken: async (number) => taken.includes(number),
    log,
  })
  await supervisor.start()
}

async function serving(): Promise<number[]> {
  const workers = await supervisor.workers()
  return workers.filter(({ state }) => state === 'serving').map(({ pid }) => pid - 1000)
}

test('starts as many as asked for, under numbers that nobody has', async () => {
  await start(2, [0, 2])
  expect(await serving()).toEqual([1, 3])
})

test('replaces one that dies', async () => {
  await start(2)
  living.get(0)?.kill()
  await until(async () => (await serving()).length === 2)
  expect(new Set(await serving())).toEqual(new Set([1, 2]))
})

test('goes on trying to replace one that dies', async () => {
  await start(1)
  spawnFails = 2
  living.get(0)?.kill()
  await until(async () => (await serving()).length === 1)
  expect(spawnFails).toBe(0)
})

test('a restart replaces each, and two restarts at once are one', async () => {
  await start(2)
  await Promise.all([supervisor.restart(), supervisor.restart()])
  expect(spawned).toEqual([0, 1, 2, 3])
  expect(await serving()).toEqual([2, 3])
  await until(() => living.size === 2)
})

test('a restart that fails leaves what serves', async () => {
  await start(1)
  spawnFails = 1
  await expect(supervisor.restart()).rejects.toThrow('no process could be started')
  expect(await serving()).toEqual([0])
})

test('a start that fails leaves nothing', async () => {
  spawnFails = 1
  await expect(start(2)).rejects.toThrow('no process could be started')
  await until(() => living.size === 0)
})

test('what dies while the platform stops is not replaced', async () => {
  await start(1)
  const stopped = supervisor.stop()
  living.get(0)?.kill()
  await stopped
  expect(spawned).toEqual([0])
})
