import { cp, mkdir, mkdtemp, readFile, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { exec } from '../lib/exec.ts'
import {
  chooseInstallation,
  findInstallations,
  hasLibrary,
  type Installation,
} from './installations.ts'
import { materializeInstallation } from './materialize.ts'
import { findDatabaseUser } from './os-user.ts'

const found = await findInstallations()
const npm = found.find((one) => one.origin === 'npm')

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cci-'))
  await exec('chmod', ['711', directory])
})

afterAll(async () => rm(directory, { recursive: true, force: true }))

describe('finding servers', () => {
  test('tells the version that the server itself tells', async () => {
    expect(found.length).toBeGreaterThan(0)
    for (const one of found.filter(({ origin }) => origin === 'system')) {
      const told = await exec(join(one.binDirectory, 'postgres'), ['--version'])
      expect(told).toContain(`(PostgreSQL) ${one.version}`)
      expect(one.version).toMatch(new RegExp(`^${one.majorVersion}\\.`))
    }
  })

  test('takes a configured path, or says that nothing is there', async () => {
    const [one] = found.filter(({ origin }) => origin === 'system')
    if (one === undefined) return
    const [configured] = (
      await findInstallations({ configuredPaths: [dirname(one.binDirectory)] })
    ).filter(({ origin }) => origin === 'configured')
    expect(configured).toEqual({ ...one, origin: 'configured' })
    await expect(findInstallations({ configuredPaths: [directory] })).rejects.toThrow(
      'holds no PostgreSQL server',
    )
  })

  test('finds the contrib modules', async () => {
    for (const one of found) {
      expect(await hasLibrary(one, 'plpgsql')).toBe(true)
      expect(await hasLibrary(one, 'no_such_library')).toBe(false)
    }
  })
})

test('chooses the newest, and of one version the system’s', () => {
  const of = (majorVersion: number, origin: Installation['origin']): Installation => ({
    majorVersion,
    version: `${majorVersion}.1`,
    binDirectory: `/${origin}`,
    origin,
  })
  const list = [of(15, 'system'), of(17, 'npm'), of(17, 'system'), of(16, 'configured')]
  expect(chooseInstallation(list)).toEqual(of(17, 'system'))
  expect(chooseInstallation(list, 16)).toEqual(of(16, 'configured'))
  expect(chooseInstallation(list, 14)).toBeUndefined()
})

describe('a usable place', () => {
  test('a system’s server stays where it is', async () => {
    const system = found.filter(({ origin }) => origin === 'system')
    const usable = await Promise.all(
      system.map(async (one) => materializeInstallation(one, directory, undefined)),
    )
    expect(usable).toEqual(system)
  })

  test.skipIf(npm === undefined)(
    'the npm one is copied once, with its links, and runs as the database’s user',
    async () => {
      if (npm === undefined) return
      const user = await findDatabaseUser()
      // As an install below /root with npm's scripts turned off leaves it.
      const locked = join(directory, 'locked')
      await mkdir(locked, { mode: 0o700 })
      const native = join(locked, 'native')
      await cp(dirname(npm.binDirectory), native, { recursive: true, verbatimSymlinks: true })
      await exec('find', [native, '-type', 'l', '-delete'])
      await exec('chmod', ['-R', 'go-rwx', native])
      const bare = { ...npm, binDirectory: join(native, 'bin') }

      const [first, second] = await Promise.all([
        materializeInstallation(bare, join(directory, 'copies'), user),
        materializeInstallation(bare, join(directory, 'copies'), user),
      ])
      expect(first).toEqual(second)
      expect(first.binDirectory).toBe(join(directory, 'copies', npm.version, 'bin'))
      const told = await exec(join(first.binDirectory, 'postgres'), ['--version'], { user })
      expect(told).toContain(npm.version)
      const listed = await readFile(join(native, 'pg-symlinks.json'), 'utf8')
      for (const { target } of JSON.parse(listed) as { target: string }[]) {
        const link = join(directory, 'copies', npm.version, relative('native', target))
        expect(await readlink(link)).not.toContain('/')
        expect((await stat(link)).isFile()).toBe(true)
      }

      const { ctimeMs } = await stat(join(first.binDirectory, 'postgres'))
      await materializeInstallation(bare, join(directory, 'copies'), user)
      expect((await stat(join(first.binDirectory, 'postgres'))).ctimeMs).toBe(ctimeMs)
    },
  )
})
