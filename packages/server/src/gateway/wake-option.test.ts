import { expect, test } from 'vitest'

import { forwardedOptions } from './route.ts'
import { readStartup } from './startup-parameters.ts'
import { isOff, readsQuiet } from './wake-option.ts'

const inOptions = (options: string) => readsQuiet(new Map([['options', options]]))

test('is read as a parameter and in options, as PostgreSQL takes settings there', () => {
  expect(readsQuiet(new Map([['coppice.wake', 'off']]))).toBe(true)
  for (const options of [
    '-c coppice.wake=off',
    '-ccoppice.wake=off',
    '--coppice.wake=OFF',
    'endpoint=ep-1 -c work_mem=1MB coppice.wake=off',
  ]) {
    expect(inOptions(options)).toBe(true)
  }
  expect(inOptions('-c coppice.wake=off -c coppice.wake=on')).toBe(false)
  expect(inOptions('-c my.coppice.wake=off')).toBe(false)
  expect(readsQuiet(new Map())).toBe(false)
})

test('of any other value is refused', () => {
  expect(() => inOptions('-c coppice.wake=no')).toThrow('it is on or off')
  expect(() => isOff('')).toThrow('it is on or off')
})

test('does not reach the compute', () => {
  expect(forwardedOptions('-c coppice.wake=off -c work_mem=1MB')).toBe('-c work_mem=1MB')
  expect(forwardedOptions('-ccoppice.wake=off')).toBeUndefined()
  const parameters = new Map([
    ['user', 'app'],
    ['coppice.wake', 'off'],
  ])
  const startup = readStartup({ kind: 'startup', majorVersion: 3, minorVersion: 0, parameters })
  expect(startup.quiet).toBe(true)
  expect([...startup.forwarded.keys()]).toEqual(['user', 'database'])
})
