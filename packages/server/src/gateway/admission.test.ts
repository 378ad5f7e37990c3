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
