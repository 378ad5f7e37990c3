import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { createCgroupV2 } from './cgroup-v2.ts'
import { findControlGroups } from './find-control-groups.ts'

/** Directories laid out as the kernel lays out its own; in them files are only files. */
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ccg-'))
})

afterEach(async () => rm(root, { recursive: true, force: true }))

const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')

function lay(directory: string, files: Record<string, string>): void {
  mkdirSync(join(root, directory), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, directory, name), text)
}

describe('cgroup v2', () => {
  const limits = { cpus: 0.25, memoryBytes: 1024 ** 3, weight: 0.25 }

  test('limits processors and memory of a compute, and has its endpoints below it', async () => {
    lay('base/ep-a', { 'cpu.max.burst': '0', 'memory.current': '1000' })
    const group = await createCgroupV2(join(root, 'base'), '').compute('ep-a')
    expect(await group.limit(limits)).toBe(true)
    expect(read('base/cgroup.subtree_control')).toBe('+cpu +memory')
    expect(read('base/ep-a/cgroup.subtree_control')).toBe('+cpu +memory')
    expect(read('base/ep-a/cpu.max')).toBe('12500 50000')
    expect(read('base/ep-a/cpu.max.burst')).toBe('12500')
    expect(read('base/ep-a/cpu.weight')).toBe('25')
    expect(read('base/ep-a/memory.max')).toBe(String(1024 ** 3))
    const member = await group.member('ep-a')
    member.enter(4711)
    expect(read('base/ep-a/ep-a/cgroup.procs')).toBe('4711')
  })

  test('does not set a limit that would kill, below what is in use', async () => {
    lay('base/ep-a', { 'memory.current': String(2 * 1024 ** 3), 'memory.max': 'max' })
    const group = await createCgroupV2(join(root, 'base'), '').compute('ep-a')
    expect(await group.limit(limits)).toBe(false)
    expect(read('base/ep-a/memory.max')).toBe('max')
    expect(read('base/ep-a/memory.high')).toBe('max')
  })

  test('sweeps what nothing runs in any more', async () => {
    lay('base/ep-a/ep-a', {})
    lay('base/ep-b/ep-b', { 'cgroup.procs': '4711' })
    await createCgroupV2(join(root, 'base'), '').sweep()
    expect(readdirSync(join(root, 'base'))).toEqual(['ep-b'])
  })

  test('reads what was used', async () => {
    lay('base/ep-a', {
      'cpu.stat': 'usage_usec 5000\nuser_usec 1\nthrottled_usec 2000',
      'memory.stat':
        'anon 100\nfile 7\nshmem 20\nworkingset_refault_anon 9\nworkingset_refault_file 3',
    })
    const group = await createCgroupV2(join(root, 'base'), '').compute('ep-a')
    expect(group.usage()).toEqual({
      cpuMs: 5,
      throttledMs: 2,
      pinnedBytes: 120,
      refaultedBytes: 3 * 4096,
    })
  })

  test('lets processes go on that do not all stop, and says so', async () => {
    lay('base/ep-a/ep-a', { 'cgroup.freeze': '0', 'cgroup.events': 'populated 1\nfrozen 1' })
    const group = await createCgroupV2(join(root, 'base'), '').compute('ep-a')
    const member = await group.member('ep-a')
    expect(await member.freeze()).toBe(true)
    expect(read('base/ep-a/ep-a/cgroup.freeze')).toBe('1')
    await member.thaw()
    expect(read('base/ep-a/ep-a/cgroup.freeze')).toBe('0')
    lay('base/ep-a/ep-a', { 'cgroup.events': 'populated 1\nfrozen 0' })
    expect(await member.freeze()).toBe(false)
    expect(read('base/ep-a/ep-a/cgroup.freeze')).toBe('0')
  })
})

describe('finding control groups', () => {
  const mount = (path: string, kind: string, options: string): string =>
    `31 23 0:28 / ${join(root, path)} rw,relatime - ${kind} ${kind} rw,${options}\n`
  const find = async (mountInfo: string, ownGroups: string) =>
    findControlGroups('/state/computes', { surroundings: { mountInfo, ownGroups } })

  test('takes v2 where a service has it to itself, and moves out of the way', async () => {
    lay('service', {
      'cgroup.controllers': 'cpuset cpu io memory pids',
      'cgroup.subtree_control': '',
      'cgroup.type': 'domain',
      'cgroup.procs': `${process.pid}\n`,
    })
    const groups = await find(mount('', 'cgroup2', 'nsdelegate'), '0::/service\n')
    expect(groups).toMatchObject({ kind: 'cgroup v2', detail: `cgroup v2 in ${root}/service` })
    expect(read('service/coppice-platform/cgroup.procs')).toBe(String(process.pid))
    expect(read('service/cgroup.subtree_control')).toBe('+cpu +memory')
  })

  test('finds its way back from the leaf that an earlier start has moved to', async () => {
    lay('service/coppice-platform', { 'cgroup.procs': '' })
    lay('service', {
      'cgroup.controllers': 'cpu memory',
      'cgroup.subtree_control': 'cpu memory',
      'cgroup.procs': '',
    })
    const groups = await find(mount('', 'cgroup2', ''), '0::/service/coppice-platform\n')
    expect(groups).toMatchObject({ kind: 'cgroup v2', detail: `cgroup v2 in ${root}/service` })
  })

  test('leaves a group alone in which strangers are', async () => {
    lay('session', {
      'cgroup.controllers': 'cpu memory',
      'cgroup.subtree_control': '',
      'cgroup.type': 'domain',
      // No process has it: the largest that there can be is 4194304.
      'cgroup.procs': '4194305\n',
    })
    const groups = await find(mount('', 'cgroup2', ''), '0::/session\n')
    expect(groups.kind).toBe('none')
    expect(groups.detail).toContain('Delegate=yes')
    expect(read('session/cgroup.subtree_control')).toBe('')
  })

  test('says what to do where the controllers were not handed on', async () => {
    lay('user', { 'cgroup.controllers': 'memory pids', 'cgroup.procs': '' })
    const groups = await find(mount('', 'cgroup2', ''), '0::/user\n')
    expect(groups.kind).toBe('none')
    expect(groups.detail).toContain('offers memory, pids')
  })

  test('takes v1 below its own groups where v2 is there and has no controllers', async () => {
    lay('unified', { 'cgroup.controllers': '', 'cgroup.procs': '' })
    for (const path of ['cpu,cpuacct', 'memory/box', 'freezer']) lay(path, { 'cgroup.procs': '' })
    const groups = await find(
      mount('cpu,cpuacct', 'cgroup', 'cpu,cpuacct') +
        mount('memory', 'cgroup', 'memory') +
        mount('freezer', 'cgroup', 'freezer') +
        mount('unified', 'cgroup2', ''),
      '4:memory:/box\n2:cpu,cpuacct:/not/in/this/container\n1:freezer:/\n0::/\n',
    )
    expect(groups.kind).toBe('cgroup v1')
    const group = await groups.compute('ep-a')
    await group.limit({ cpus: 2, memoryBytes: 4096, weight: 0.25 })
    const name =
      readdirSync(join(root, 'memory/box')).find((one) => one.startsWith('coppice-')) ?? ''
    expect(read('cpu,cpuacct', name, 'ep-a/cpu.cfs_quota_us')).toBe('100000')
    expect(read('cpu,cpuacct', name, 'ep-a/cpu.shares')).toBe('256')
    expect(read('memory/box', name, 'ep-a/memory.limit_in_bytes')).toBe('4096')
  })

  test('says that there are none on another system', async () => {
    expect(await find('', '')).toMatchObject({ kind: 'none' })
  })
})
