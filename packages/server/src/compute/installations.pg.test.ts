import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
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
import { findShareDirectory } from './mirror-installation.ts'
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
  const system = found.find(({ origin }) => origin === 'system')

  test.skipIf(system === undefined)(
    'a system’s server is mirrored: nothing of it is changed, and its changes are followed',
    async () => {
      if (system === undefined) return
      const user = await findDatabaseUser()
      // A copy of its tree, of the shape that it has, to make changes in.
      const share = await findShareDirectory(system.binDirectory, system.majorVersion)
      const host = join(directory, 'host')
      const at = (path: string) => join(host, relative('/usr', path))
      for (const path of [dirname(system.binDirectory), share ?? '']) {
        await cp(path, at(path), { recursive: true, verbatimSymlinks: true })
      }
      const copied = { ...system, binDirectory: at(system.binDirectory) }
      const extensions = join(at(share ?? ''), 'extension')
      const before = await readFile(join(extensions, 'bloom.control'), 'utf8')
      const mirror = async (trusted: string[] = []) => {
        const made = await materializeInstallation(copied, join(directory, 'm'), user, trusted)
        const shareDirectory = await findShareDirectory(made.binDirectory, made.majorVersion)
        return { made, extensions: join(shareDirectory ?? '', 'extension') }
      }
      const first = await mirror()
      expect(first.made.binDirectory).not.toBe(copied.binDirectory)
      expect(await readFile(join(first.extensions, 'bloom.control'), 'utf8')).toBe(
        `${before.trimEnd()}\ntrusted = true\n`,
      )
      expect(await readFile(join(extensions, 'bloom.control'), 'utf8')).toBe(before)
      const inode = async () => (await stat(join(first.made.binDirectory, 'postgres'))).ino
      const made = await inode()
      expect((await mirror()).made).toEqual(first.made)
      expect(await inode()).toBe(made)

      // A package that is installed later, and the operator's trust in it.
      await writeFile(join(extensions, 'other.control'), "default_version = '1'\n")
      await mirror(['other'])
      expect(await readFile(join(first.extensions, 'other.control'), 'utf8')).toContain(
        'trusted = t',
      )
      await mirror()
      expect(await readFile(join(first.extensions, 'other.control'), 'utf8')).not.toContain('trust')
      // An update of the server.
      await utimes(join(copied.binDirectory, 'postgres'), new Date(), new Date())
      const known = await inode()
      await mirror()
      expect(await inode()).not.toBe(known)
      expect(await readdir(join(directory, 'm'))).toHaveLength(1)
    },
  )

  test('a server of an unknown shape stays where it is', async () => {
    const binDirectory = join(directory, 'odd', 'bin')
    const odd: Installation = {
      majorVersion: 15,
      version: '15.1',
      binDirectory,
      origin: 'configured',
    }
    expect(await materializeInstallation(odd, directory, undefined)).toEqual(odd)
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
