import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createCopyDriver } from '../volume/copy.ts'
import { claimPool, refuseEmptyStore } from './pool-owner.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coppice-owner-'))
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

test('a new pool belongs to the first platform that opens it, and to no other', async () => {
  const volumes = createCopyDriver(root, undefined)
  await refuseEmptyStore(volumes)
  await claimPool(volumes, 'ours')
  await claimPool(volumes, 'ours')
  await expect(claimPool(volumes, 'theirs')).rejects.toThrow('belongs to platform ours')
  await expect(refuseEmptyStore(volumes)).rejects.toThrow('belongs to platform ours')
})

test('a pool that holds branches of nobody knows whom is not taken', async () => {
  const volumes = createCopyDriver(root, undefined)
  await mkdir(join(root, 'volumes', 'br-old-oak-12345678', 'data'), { recursive: true })
  await expect(claimPool(volumes, 'ours')).rejects.toThrow('belongs to platform unknown')
})

test('a new pool is not taken by a store that names volumes of another', async () => {
  const volumes = createCopyDriver(root, undefined)
  const claim = claimPool(volumes, 'ours', ['br-old-oak-12345678'])
  await expect(claim).rejects.toThrow(/names 1 volume.*mount/)
  await claimPool(volumes, 'ours')
  // Whose it is, is known from then on.
  await claimPool(volumes, 'ours', ['br-old-oak-12345678'])
})
