import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { type ComputeHost, socketDirectory } from './host.ts'
import { readControlFile } from './pg-control.ts'
import { findProcessesIn, identifyProcess, sendSignal } from './processes.ts'
import type { ComputeSpec } from './spec.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, eventually, majorVersions, type Workbench } from './testing/cluster.ts'
import { startHostProcess } from './testing/host-process.ts'
import { createSpec } from './testing/spec.ts'

// How a host treats computes does not depend on the version: the newest will do.
const majorVersion = Math.max(...majorVersions)

let bench: Workbench
let seed: string

beforeAll(async () => {
  bench = await createWorkbench()
  seed = await bench.createCluster(majorVersion)
  const host = await bench.startHost('seed')
  const compute = await host.put(createSpec(seed, { pgVersion: majorVersion }))
  await bootstrapCluster(compute, await ownerBootstrap())
  await host.stop({ suspendComputes: true })
})

afterAll(async () => bench.close())

async function add(
  host: ComputeHost,
  name: string,
  changes: Partial<ComputeSpec> = {},
): Promise<Compute> {
  const dataDirectory = await bench.copyCluster(seed)
  return host.put(
    createSpec(dataDirectory, { pgVersion: majorVersion, endpointId: `ep-${name}`, ...changes }),
  )
}

describe('after the platform was killed', () => {
  test('a running compute is taken over, with its sessions', async () => {
    const before = await bench.startHost('adopt')
    const { spec } = await add(before, 'adopt', { suspendTimeoutSeconds: 300 })
    await before.stop()
    const process = await startHostProcess(bench.directory, 'adopt')
    const path = join(
      socketDirectory(join(bench.directory, 'adopt-run'), 'ep-adopt'),
      '.s.PGSQL.5432',
    )
    const sql = connectAs(path, owner)
    const [mine] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    sendSignal(process.pid, 'SIGKILL')
    await process.ended

    const after = await bench.startHost('adopt')
    const compute = after.get('ep-adopt')
    expect(compute?.state).toBe('active')
    expect(compute?.spec).toEqual(spec)
    expect(await compute?.wake()).toEqual({ socketPath: path })
    expect([...(await sql`select pg_backend_pid() as pid`)]).toEqual([mine])
    expect(await compute?.verifier(owner.role)).toMatch(/^SCRAM/)
    await sql.end()
    expect(await compute?.suspend()).toBe('suspended')
    expect(await findProcessesIn(spec.dataDirectory)).toEqual([])
  })

  test('a compute that dies after it was taken over is started again', async () => {
    const before = await bench.startHost('adopt-die')
    const first = await add(before, 'adopt-die')
    await first.wake()
    const pid = first.pid ?? 0
    await before.stop()
    const after = await bench.startHost('adopt-die')
    const compute = after.get('ep-adopt-die')
    expect(compute?.pid).toBe(pid)
    sendSignal(pid, 'SIGKILL')
    await eventually('another one runs', () => {
      return compute?.state === 'active' && compute.pid !== pid && compute.pid !== undefined
    })
    await after.stop({ suspendComputes: true })
  })

  test('a cluster that was cut off is recovered without being asked', async () => {
    const before = await bench.startHost('cut')
    const first = await add(before, 'cut', { suspendTimeoutSeconds: 300 })
    const sql = connectAs((await first.wake()).socketPath, owner)
    await sql`create role late login password 'pw'`
    await before.stop()
    // All of it dies at once, as in a power cut.
    sendSignal(first.pid ?? 0, 'SIGKILL')
    for (const { pid } of await findProcessesIn(first.spec.dataDirectory))
      sendSignal(pid, 'SIGKILL')
    await sql.end({ timeout: 0 })
    await eventually('nothing runs', async () => {
      return (await findProcessesIn(first.spec.dataDirectory)).length === 0
    })
    expect((await readControlFile(first.spec.dataDirectory)).state).toBe('in production')

    const after = await bench.startHost('cut')
    const compute = after.get('ep-cut')
    await eventually('it runs', () => compute?.state === 'active')
    expect(await compute?.verifier('late')).toMatch(/^SCRAM/)
    await after.stop({ suspendComputes: true })
  })

  test('a spec that is no spec hurts nobody else, and is mended by the next one', async () => {
    const before = await bench.startHost('torn')
    const whole = await add(before, 'whole')
    const torn = await add(before, 'torn')
    await torn.wake()
    const { pid, spec } = torn
    await before.stop()
    await writeFile(join(bench.directory, 'torn', 'ep-torn', 'spec.json'), '{"endpointId":"ep-t')
    await mkdir(join(bench.directory, 'torn', 'ep-empty'))
    await mkdir(join(bench.directory, 'torn', '.removed-ep-old'))

    const after = await bench.startHost('torn')
    expect(after.list().map((one) => one.spec.endpointId)).toEqual([whole.spec.endpointId])
    expect(await readdir(join(bench.directory, 'torn'))).not.toContain('.removed-ep-old')
    const mended = await after.put(spec)
    expect(mended.state).toBe('active')
    expect(mended.pid).toBe(pid)
    await after.stop({ suspendComputes: true })
  })
})

describe('the idle watch', () => {
  test('suspends a compute after its timeout, and not one that is at work', async () => {
    const host = await bench.startHost('watch')
    const states: string[] = []
    host.onStateChange(({ endpointId, state }) => states.push(`${endpointId} ${state}`))
    const idle = await add(host, 'idle', { suspendTimeoutSeconds: 1 })
    const busy = await add(host, 'busy', { suspendTimeoutSeconds: 1 })
    const listening = await add(host, 'listening', { suspendTimeoutSeconds: 1 })
    const sql = connectAs((await busy.wake()).socketPath, owner)
    await sql.unsafe('begin')
    const session = listening.openSession({ role: 'r', database: 'd', applicationName: '' })
    session.setListening(true)
    await listening.wake()
    const open = connectAs((await idle.wake()).socketPath, owner)
    await open`select 1`
    await eventually('the idle one sleeps', () => idle.state === 'idle')
    // Twice as long as the idle one had.
    const end = Date.now() + 2_000
    await eventually('time has passed', () => Date.now() > end)
    expect(busy.state).toBe('active')
    expect(listening.state).toBe('active')
    await sql.unsafe('commit')
    session.end()
    await eventually('the others sleep too', () => {
      return busy.state === 'idle' && listening.state === 'idle'
    })
    expect(states.filter((one) => one.startsWith('ep-idle'))).toEqual([
      'ep-idle starting',
      'ep-idle active',
      'ep-idle suspending',
      'ep-idle idle',
    ])
    for (const client of [sql, open]) await client.end({ timeout: 0 })
  })

  test('takes a new timeout at once', async () => {
    const host = await bench.startHost('timeout')
    const compute = await add(host, 'timeout', { suspendTimeoutSeconds: -1 })
    await compute.wake()
    await host.put({ ...compute.spec, suspendTimeoutSeconds: 1 })
    await eventually('it sleeps', () => compute.state === 'idle')
    expect(compute.pid).toBeUndefined()
  })

  test('sees bytes that pass', async () => {
    const host = await bench.startHost('bytes')
    const compute = await add(host, 'bytes', { suspendTimeoutSeconds: 1 })
    await compute.wake()
    const session = compute.openSession({ role: 'r', database: 'd', applicationName: '' })
    const end = Date.now() + 3_000
    await eventually('time has passed', () => {
      session.touch()
      return Date.now() > end
    })
    expect(compute.state).toBe('active')
    session.end()
    await eventually('it sleeps', () => compute.state === 'idle')
  })
})

test('a removed compute leaves nothing, and may be removed again', async () => {
  const host = await bench.startHost('remove')
  const compute = await add(host, 'remove')
  await compute.wake()
  const pid = compute.pid ?? 0
  await host.remove('ep-remove')
  await host.remove('ep-remove')
  expect(host.get('ep-remove')).toBeUndefined()
  expect(await identifyProcess(pid)).toBeUndefined()
  expect(await findProcessesIn(compute.spec.dataDirectory)).toEqual([])
  expect(await readdir(join(bench.directory, 'remove'))).toEqual([])
  expect(await readdir(join(bench.directory, 'remove-run'))).toEqual([])
  await expect(compute.wake()).rejects.toMatchObject({ code: 'endpoint_not_found' })
})

test('a compute is removed in the middle of its start', async () => {
  const host = await bench.startHost('early')
  const compute = await add(host, 'early')
  const woken = compute.wake()
  woken.catch(() => undefined)
  await eventually('it starts', () => compute.state === 'starting')
  await host.remove('ep-early')
  await woken.catch(() => undefined)
  expect(await findProcessesIn(compute.spec.dataDirectory)).toEqual([])
  expect(await readdir(join(bench.directory, 'early'))).toEqual([])
})

test('two hosts do not run one data directory', async () => {
  const [one, two] = [await bench.startHost('one'), await bench.startHost('two')]
  const first = await add(one, 'shared')
  await first.wake()
  const second = await two.put(first.spec)
  expect(second.state).toBe('idle')
  await expect(second.wake()).rejects.toThrow('another PostgreSQL server')
  await two.remove('ep-shared')
  expect(first.state).toBe('active')
  await first.withSuperuser('postgres', async (sql) => sql`select 1`)
  await one.stop({ suspendComputes: true })
})

test('a full host stops the compute that was used longest ago, and never one that works', async () => {
  const capacity = { maxAwake: 2, minAvailableBytes: 0, memoryBytes: 8 * 1024 ** 3 }
  const host = await bench.startHost('full', { capacity })
  const computes = await Promise.all(
    ['full-a', 'full-b', 'full-c'].map(async (name) =>
      add(host, name, { suspendTimeoutSeconds: 300 }),
    ),
  )
  const [first, second, third] = computes
  const sql = connectAs((await first?.wake())?.socketPath ?? '', owner)
  await sql`begin`
  await second?.wake()
  await third?.wake()
  expect(computes.map((one) => one.state)).toEqual(['active', 'idle', 'active'])
  expect(host.capacity.awakeCount).toBe(2)
  await sql.end({ timeout: 0 })
  await host.stop({ suspendComputes: true })
  expect(host.capacity.awakeCount).toBe(0)
})

test('data does not move under a running compute', async () => {
  const host = await bench.startHost('move')
  const compute = await add(host, 'move')
  await compute.wake()
  const elsewhere = { ...compute.spec, dataDirectory: join(bench.directory, 'elsewhere') }
  await expect(host.put(elsewhere)).rejects.toThrow('before its data directory changes')
  await host.remove('ep-move')
})

test.each(['../x', '', 'A', '.hidden'])('%j is no endpoint id', async (endpointId) => {
  const host = await bench.startHost('names')
  await expect(host.put(createSpec('/nowhere', { endpointId }))).rejects.toMatchObject({
    code: 'invalid_request',
  })
  await expect(host.remove(endpointId)).rejects.toMatchObject({ code: 'invalid_request' })
})

test('a socket’s path always fits', () => {
  expect(socketDirectory('/run/coppice', 'ep-a')).toBe('/run/coppice/ep-a')
  const long = socketDirectory('/run/coppice/instances/of/somebody/sockets', 'ep-'.padEnd(60, 'x'))
  expect(`${long}/.s.PGSQL.5432`.length).toBeLessThanOrEqual(107)
  expect(() => socketDirectory(`/${'x'.repeat(100)}`, 'ep-a')).toThrow('too long')
})
