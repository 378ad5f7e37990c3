import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { collectLeftBytes, leaveBytes } from './left-bytes.ts'

let root: string
let directory: string
const counted: [string, number][] = []
const collect = async () => collectLeftBytes(directory, (...one) => void counted.push(one))

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'left-'))
  directory = join(root, 'gateway')
  counted.length = 0
})
afterEach(async () => rm(root, { recursive: true, force: true }))

test('what processes leave is counted once', async () => {
  await collect()
  expect(counted).toEqual([])
  await leaveBytes(directory, new Map([['ep-1', 10]]))
  await leaveBytes(directory, new Map([['ep-1', 5]]))
  await leaveBytes(directory, new Map())
  await collect()
  await collect()
  expect(counted.map(([id, bytes]) => `${id} ${bytes}`).toSorted()).toEqual(['ep-1 10', 'ep-1 5'])
})
