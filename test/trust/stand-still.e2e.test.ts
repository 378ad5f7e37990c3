import { describe, type ExpectStatic, test } from 'vitest'

import { isAlive, psql, startTestPlatform, type TestPlatform } from '../platform.ts'
import { isLong } from './form.ts'
import { daemonPid, killAll, postgresProcesses } from './processes.ts'

/**
 * Processes that are there and do nothing: stopped by somebody, or waiting for a disk that does not answer.
 * `coppice down` ends all the same, and has lost nothing.
 */
const timeout = 300_000

// They wait nearly all of their time.
describe.concurrent('down, while what it stops does not answer', { timeout }, () => {
  test('the store', async ({ onTestFinished, expect }) => {
    const platform = await start(onTestFinished)
    const daemon = daemonPid(platform)
    standStill(pidsBelow(platform, 'store'))
    await platform.down()
    await platform.waitForDeath(daemon)
    await expectItBack(platform, expect)
  })

  test('the daemon, which is named', async ({ onTestFinished, expect }) => {
    const platform = await start(onTestFinished)
    const daemon = daemonPid(platform)
    standStill([daemon])
    await expect(platform.down()).rejects.toThrow(`kill -9 ${daemon}`)
    expect(isAlive(daemon)).toBe(true)
    await killAll([daemon])
    await platform.down()
    await expectItBack(platform, expect)
  })

  test.runIf(isLong)('computes', async ({ onTestFinished, expect }) => {
    const platform = await start(onTestFinished)
    standStill(pidsBelow(platform, 'pool'))
    await platform.down()
    await expectItBack(platform, expect)
  })
})

async function start(onFinished: (work: () => Promise<void>) => void): Promise<TestPlatform> {
  const platform = await startTestPlatform()
  onFinished(async () => platform.remove())
  await psql(platform.connectionUri, 'CREATE TABLE kept AS SELECT 7 AS n')
  return platform
}

function standStill(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
}

const pidsBelow = (platform: TestPlatform, directory: string): number[] =>
  postgresProcesses(platform)
    .filter((one) => one.directory.startsWith(`${platform.home}/${directory}/`))
    .map(({ pid }) => pid)

async function expectItBack(platform: TestPlatform, expect: ExpectStatic): Promise<void> {
  expect(postgresProcesses(platform)).toEqual([])
  await platform.up()
  expect(await psql(platform.connectionUri, 'SELECT n FROM kept')).toBe('7')
}
