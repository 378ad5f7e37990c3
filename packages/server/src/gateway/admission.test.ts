import { expect, test } from 'vitest'

import { until } from '../testing/until.ts'
import { Admission } from './admission.ts'
import { defaultLimits } from './limits.ts'

test('lets in as many sessions of an endpoint as its limit says', () => {
  const admission = new Admission({ ...defaultLimits, maxConnectionsPerEndpoint: 2 })
  const leave = admission.enterEndpoint('ep-a')
  admission.enterEndpoint('ep-a')
  expect(() => admission.enterEndpoint('ep-a')).toThrow(
    'Too many connections to this endpoint. Please try again later.',
  )
  admission.enterEndpoint('ep-b')
  leave()
  admission.enterEndpoint('ep-a')
})

test('refuses an address after too many failures, and no other', () => {
  const admission = new Admission({ ...defaultLimits, maxFailuresPerAddress: 2 })
  admission.recordFailure('10.0.0.1')
  admission.checkAddress('10.0.0.1')
  admission.recordFailure('10.0.0.1')
  expect(() => admission.checkAddress('10.0.0.1')).toThrow('Too many connections attempts')
  admission.checkAddress('10.0.0.2')
})

test('has passwords of one endpoint checked one after another, of several at once', async () => {
  const admission = new Admission(defaultLimits)
  const begun: string[] = []
  const finish = new Map<string, () => void>()
  const guess = async (endpointId: string, name: string) =>
    admission.guess(endpointId, '10.0.0.1', async () => {
      begun.push(name)
      await new Promise<void>((resolve) => finish.set(name, resolve))
      return name
    })
  const all = [guess('ep-a', 'one'), guess('ep-a', 'two'), guess('ep-b', 'three')]
  await until(() => begun.length === 2)
  expect(begun).toEqual(['one', 'three'])
  finish.get('one')?.()
  await until(() => begun.length === 3)
  finish.get('two')?.()
  finish.get('three')?.()
  expect(await Promise.all(all)).toEqual(['one', 'two', 'three'])
})

test('has no more guesses checked than an address may make, however many come at once', async () => {
  const admission = new Admission({ ...defaultLimits, maxFailuresPerAddress: 3 })
  let checks = 0
  const guess = async (endpointId: string) =>
    admission.guess(endpointId, '10.0.0.1', async () => {
      checks++
    })
  const count = async (endpointIds: string[]) => {
    const outcomes = await Promise.allSettled(endpointIds.map(guess))
    return outcomes.filter(({ status }) => status === 'rejected').length
  }
  expect(await count(['ep-a', 'ep-b', 'ep-c', 'ep-d', 'ep-e'])).toBe(2)
  expect(await count(['ep-a', 'ep-a'])).toBe(2)
  expect(checks).toBe(3)
})

test('takes an IPv6 network for one address', () => {
  const admission = new Admission({ ...defaultLimits, maxFailuresPerAddress: 1 })
  admission.recordFailure('2001:db8::1')
  expect(() => admission.checkAddress('2001:db8:0:0:ffff::2')).toThrow('Too many')
  admission.checkAddress('2001:db8:0:1::1')
  admission.checkAddress('::1')
})

test('forgets failures after the window', async () => {
  const limits = { ...defaultLimits, maxFailuresPerAddress: 1, failureWindowMs: 30 }
  const admission = new Admission(limits)
  admission.recordFailure('10.0.0.1')
  await until(() => {
    try {
      admission.checkAddress('10.0.0.1')
      return true
    } catch {
      // Refused still.
      return false
    }
  })
})
