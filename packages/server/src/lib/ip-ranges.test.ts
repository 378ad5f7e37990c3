import { expect, test } from 'vitest'

import { parseIpRange } from './ip-ranges.ts'

test.each([
  '10.0.0.1',
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.0.0.1/32',
  '10.0.0.1-10.0.0.9',
  ' 10.0.0.1 - 10.0.0.1 ',
  '::1',
  '2001:db8::/32',
  '::/0',
  '2001:db8::1-2001:db8::ff',
  '::ffff:10.0.0.1',
])('takes %j', (text) => {
  expect(parseIpRange(text)).toBeTypeOf('function')
})

test.each([
  '',
  'example.com',
  '10.0.0',
  '10.0.0.256',
  '010.0.0.1',
  '10.0.0.1,',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '2001:db8::/129',
  '::ffff:10.0.0.0/104',
  '10.0.0.9-10.0.0.1',
  '10.0.0.1-2001:db8::1',
  '10.0.0.1-10.0.0.2-10.0.0.3',
  '10.0.0.1-',
  'fe80::1%eth0',
  'fe80::1%eth0-fe80::2',
])('refuses %j', (text) => {
  expect(parseIpRange(text)).toBeUndefined()
})
