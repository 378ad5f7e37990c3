import { expect, test } from 'vitest'

import { secureUrl } from './connection-url.ts'

const url = 'postgresql://a:p%20w@host:5432/db?sslmode=require&options=endpoint%3Dep-x'

test('with a known authority the server is verified, and all else stays', () => {
  expect(secureUrl(url, undefined, '/ca dir/ca.pem')).toBe(
    'postgresql://a:p%20w@host:5432/db?options=endpoint%3Dep-x&sslmode=verify-full&sslrootcert=%2Fca%20dir%2Fca.pem',
  )
})

test('without one it is as the API says', () => {
  expect(secureUrl(url, undefined, undefined)).toBe(url)
  expect(secureUrl(url, 'require', '/ca.pem')).toBe(url)
})

test('for drivers that are told elsewhere nothing of TLS is left', () => {
  expect(secureUrl(`${url}&channel_binding=require`, 'omit', '/ca.pem')).toBe(
    'postgresql://a:p%20w@host:5432/db?options=endpoint%3Dep-x',
  )
  expect(secureUrl('postgresql://h/d?sslmode=require', 'omit', undefined)).toBe('postgresql://h/d')
})
