import { expect, test } from 'vitest'

import { exec } from '../lib/exec.ts'
import { isOutOfSpace, reportPoolFull } from './pool-full.ts'

const noSpace = Object.assign(new Error('write failed'), { code: 'ENOSPC' })

test('sees a full file system through wrapping errors', () => {
  expect(isOutOfSpace(noSpace)).toBe(true)
  expect(isOutOfSpace(new Error('cannot copy', { cause: noSpace }))).toBe(true)
  expect(isOutOfSpace(Object.assign(new Error('over'), { code: 'EDQUOT' }))).toBe(true)
  expect(isOutOfSpace(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toBe(false)
  expect(isOutOfSpace('ENOSPC')).toBe(false)
})

test('sees it in what a program says', async () => {
  const script = 'echo "ERROR: Could not create subvolume: No space left on device" >&2; exit 1'
  const failing = exec('sh', ['-c', script])
  await expect(reportPoolFull(failing)).rejects.toMatchObject({ code: 'pool_full' })
})

test('names the remedy, and passes on any other outcome', async () => {
  await expect(reportPoolFull(Promise.reject(noSpace))).rejects.toThrow(
    /delete branches.*pool grow/,
  )
  await expect(reportPoolFull(Promise.resolve(1))).resolves.toBe(1)
  const other = new Error('something else')
  await expect(reportPoolFull(Promise.reject(other))).rejects.toBe(other)
})
