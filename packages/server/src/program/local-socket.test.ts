import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { createHome, type Home, homePaths } from '../lib/home.ts'
import { until } from '../testing/until.ts'
import { childArguments } from '../volume/testing/child.ts'
import { Cleanup } from '../volume/testing/cleanup.ts'
import { socketPath } from './ask-platform.ts'
import { claimHome } from './local-socket.ts'

const cleanup = new Cleanup()
let home: Home

beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), 'coppice-claim-'))
  cleanup.add(async () => rm(root, { recursive: true, force: true }))
  home = homePaths(root)
  await createHome(home)
})

afterEach(async () => cleanup.run())

/** Somebody who is about to start a platform. */
class Contender {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  constructor() {
    const script = childArguments('../../program/testing/claim-child.ts', home.root)
    this.#child = spawn(process.execPath, script, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    cleanup.add(async () => this.kill())
  }

  async says(): Promise<string> {
    const { value } = await this.#lines.next()
    return String(value)
  }

  begin(): void {
    this.#child.stdin.write('begin\n')
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

test('of those who start at once one has the home, until it is killed', async () => {
  const refusal = expect.stringMatching(/AppError: .*(already|another)/)
  // In the second round there is a socket that nobody answers on.
  for (let round = 0; round < 2; round++) {
    const contenders = Array.from({ length: 3 }, () => new Contender())
    const greetings = await Promise.all(contenders.map(async (one) => one.says()))
    expect(greetings).toEqual(['there', 'there', 'there'])
    for (const one of contenders) one.begin()
    const answers = await Promise.all(contenders.map(async (one) => one.says()))
    expect(answers.toSorted()).toEqual([refusal, refusal, 'claimed'])
    for (const one of contenders) await one.kill()
  }
}, 30_000)

test('a home that was given up can be claimed again', async () => {
  const claim = await claimHome(home, async () => true)
  await expect(claimHome(home, async () => true)).rejects.toThrow('running already')
  await claim.release()
  await (await claimHome(home, async () => true)).release()
})

test('stops also where whoever asked for it has gone meanwhile', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never)
  cleanup.add(async () => exit.mockRestore())
  let hasStopped: (isWhole: boolean) => void = () => undefined
  const stopping = new Promise<boolean>((resolve) => (hasStopped = resolve))
  const onShutdown = vi.fn<() => Promise<boolean>>().mockReturnValue(stopping)
  const events = vi.spyOn(ServerResponse.prototype, 'emit')
  cleanup.add(async () => events.mockRestore())
  const claim = await claimHome(home, onShutdown)
  cleanup.add(async () => claim.release())
  const outgoing = request({ socketPath: socketPath(home), method: 'POST', path: '/shutdown' })
  outgoing.on('error', () => undefined).end()
  await until(() => onShutdown.mock.calls.length > 0)
  outgoing.destroy()
  await until(() => events.mock.calls.some(([name]) => name === 'close'))
  expect(exit).not.toHaveBeenCalled()
  hasStopped(true)
  await until(() => exit.mock.calls.length > 0)
  expect(exit).toHaveBeenCalledWith(0)
})
