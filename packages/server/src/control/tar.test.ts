import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import {
  childrenOf,
  commandLine,
  identifyProcess,
  isAlive,
  type ProcessIdentity,
  sendSignal,
} from '../compute/processes.ts'
import { isThere } from '../lib/files.ts'
import { until } from '../testing/until.ts'
import { packDirectory, unpackFile } from './tar.ts'

async function makeDirectory(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'coppice-tar-'))
  onTestFinished(async () => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'from', 'pgdata'), { recursive: true })
  await mkdir(join(root, 'to'))
  return root
}

test('a directory comes back as it was', async () => {
  const root = await makeDirectory()
  const content = Buffer.alloc(3_000_000, 'content ')
  await writeFile(join(root, 'from', 'pgdata', 'file'), content, { mode: 0o640 })
  await packDirectory(join(root, 'from'), 'pgdata', join(root, 'packed'))
  expect((await stat(join(root, 'packed'))).size).toBeLessThan(content.length)
  await unpackFile(join(root, 'packed'), join(root, 'to'))
  const file = join(root, 'to', 'pgdata', 'file')
  expect((await readFile(file)).equals(content)).toBe(true)
  expect((await stat(file)).mode & 0o777).toBe(0o640)
})

test('what fails tells why', async () => {
  const root = await makeDirectory()
  const packed = join(root, 'packed')
  await expect(packDirectory(join(root, 'from'), 'nothing', packed)).rejects.toThrow('nothing')
  await expect(packDirectory(join(root, 'from'), 'pgdata', root)).rejects.toMatchObject({
    cause: { code: 'EISDIR' },
  })
  await writeFile(packed, 'no archive')
  await expect(unpackFile(packed, join(root, 'to'))).rejects.toThrow('tar failed: ')
  await expect(unpackFile(join(root, 'gone'), join(root, 'to'))).rejects.toMatchObject({
    cause: { code: 'ENOENT' },
  })
})

test.runIf(process.platform === 'linux')(
  'tar ends with the process that packs',
  async () => {
    const root = await makeDirectory()
    const from = join(root, 'from')
    const file = join(from, 'pgdata', 'file')
    await writeFile(file, '')
    // Minutes to read, and nothing on the disk.
    await truncate(file, 1024 ** 4)
    const script = `
    const { packDirectory } = await import(${JSON.stringify(import.meta.resolve('./tar.ts'))})
    await packDirectory(...${JSON.stringify([from, 'pgdata', join(root, 'packed')])})`
    const args = ['--conditions=source', `--import=${import.meta.resolve('tsx')}`]
    const packer = spawn(process.execPath, [...args, '--input-type=module', '-e', script])
    onTestFinished(() => void packer.kill('SIGKILL'))
    let tar: ProcessIdentity | undefined
    onTestFinished(() => {
      if (tar !== undefined && isAlive(tar)) sendSignal(tar.pid, 'SIGKILL')
    })
    await until(async () => {
      for (const pid of await childrenOf(packer.pid ?? 0)) {
        if ((await commandLine(pid))[0] === 'tar') tar = await identifyProcess(pid)
      }
      return tar !== undefined && (await isThere(join(root, 'packed')))
    })
    packer.kill('SIGKILL')
    await until(() => tar !== undefined && !isAlive(tar))
  },
  30_000,
)
