import { expect, test } from 'vitest'

import { parseSize, renderSize } from './size.ts'

test.each([
  ['512M', 512 * 1024 ** 2],
  ['50G', 50 * 1024 ** 3],
  ['50g', 50 * 1024 ** 3],
  ['1.5T', 1.5 * 1024 ** 4],
  ['50GB', 50 * 1024 ** 3],
  ['50 GiB', 50 * 1024 ** 3],
  ['64K', 64 * 1024],
])('reads %s', (text, sizeBytes) => {
  expect(parseSize(text)).toBe(sizeBytes)
})

test.each(['', '50', 'G', '-1G', '1e3G', '50X', '50Gi', '0x10M', '1.2.3G', '5 0G'])(
  'refuses %j',
  (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  },
)

test('renders sizes in the largest unit that fits, and reads them back', () => {
  expect(renderSize(50 * 1024 ** 3)).toBe('50 GB')
  expect(renderSize(1.5 * 1024 ** 4)).toBe('1.5 TB')
  expect(renderSize(1023)).toBe('1023 B')
  expect(renderSize(0)).toBe('0 B')
  expect(parseSize(renderSize(300 * 1024 ** 2))).toBe(300 * 1024 ** 2)
})
