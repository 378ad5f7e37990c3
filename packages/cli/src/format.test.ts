import { expect, test } from 'vitest'

import { splitArguments } from './arguments.ts'
import { readConfig } from './config.ts'
import { formatBytes, formatDuration, formatSuspendTimeout, formatTime } from './format.ts'

test('sizes count in powers of 1024, with one place', () => {
  expect([0, 1023, 1024, 12_345_678, 5 * 1024 ** 4].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 kB',
    '11.8 MB',
    '5.0 TB',
  ])
})

test('spans of time are told in their largest unit', () => {
  expect([1, 59, 60, 3600, 7200, 86_400, 200_000].map(formatDuration)).toEqual([
    '1 s',
    '59 s',
    '1 min',
    '1 hour',
    '2 hours',
    '1 day',
    '2 days',
  ])
  expect([0, -1, 300].map(formatSuspendTimeout)).toEqual(['default', 'never', '5 min'])
})

test('times are told from now', () => {
  const now = Date.parse('2026-01-01T12:00:00Z')
  expect(formatTime('2026-01-01T11:57:00Z', now)).toBe('3 min ago')
  expect(formatTime('2026-01-01T11:59:58Z', now)).toBe('just now')
  expect(formatTime('2026-01-04T12:00:00Z', now)).toBe('in 3 days')
})

test('what follows -- is for psql only where psql is run', () => {
  expect(splitArguments(['psql', 'main', '--', '-c', '//'])).toEqual({
    args: ['psql', 'main'],
    passthrough: ['-c', '//'],
    comment: undefined,
  })
  expect(splitArguments(['branches', 'get', '--', '-x']).args).toEqual([
    'branches',
    'get',
    '--',
    '-x',
  ])
  expect(splitArguments(['me', '//', 'a', '--', 'b'])).toEqual({
    args: ['me'],
    passthrough: [],
    comment: '// a -- b',
  })
})

test('the state directory follows the system and the user', () => {
  const common = { environment: {}, cwd: '/', userHome: '/home/a', isRoot: false }
  expect(readConfig({ ...common, platform: 'linux' }).home).toBe('/home/a/.local/share/coppice')
  expect(readConfig({ ...common, platform: 'darwin' }).home).toBe(
    '/home/a/Library/Application Support/Coppice',
  )
  expect(readConfig({ ...common, platform: 'linux', isRoot: true }).home).toBe('/var/lib/coppice')
  const environment = { COPPICE_HOME: '/srv/c', XDG_DATA_HOME: '/x' }
  expect(readConfig({ ...common, platform: 'linux', environment }).home).toBe('/srv/c')
})
