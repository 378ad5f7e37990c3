import { expect, test } from 'vitest'

import { createMockVerifiers } from './mock-verifier.ts'

test('shows the same salt for the same names and secret, and another for others', () => {
  const mock = createMockVerifiers('secret')
  const salt = mock('ep-a', 'u').salt
  expect(mock('ep-a', 'u').salt).toEqual(salt)
  expect(createMockVerifiers('secret')('ep-a', 'u').salt).toEqual(salt)
  expect(mock('ep-b', 'u').salt).not.toEqual(salt)
  expect(mock('ep-a', 'v').salt).not.toEqual(salt)
  expect(createMockVerifiers('other')('ep-a', 'u').salt).not.toEqual(salt)
})

test('looks like a verifier that PostgreSQL has made', () => {
  const mock = createMockVerifiers('secret')('ep-a', 'u')
  expect([mock.iterations, mock.salt.length]).toEqual([4096, 16])
})
