import { expect, test } from 'vitest'

import { SignInAttempts } from './attempts.ts'

test('refuses an address after ten failures, others not, and lets it in again after five minutes', () => {
  let now = 0
  const attempts = new SignInAttempts(() => now)
  for (let failure = 0; failure < 10; failure++) attempts.begin('a')
  expect(() => attempts.begin('a')).toThrow('too many sign-ins have failed')
  expect(() => attempts.begin('b')).not.toThrow()
  now += 5 * 60_000
  expect(() => attempts.begin('a')).not.toThrow()
})

test('a success forgets the failures before it', () => {
  const attempts = new SignInAttempts(() => 0)
  for (let round = 0; round < 5; round++) {
    for (let failure = 0; failure < 9; failure++) attempts.begin('a')
    attempts.begin('a')
    attempts.succeeded('a')
  }
  expect(() => attempts.begin('a')).not.toThrow()
})
