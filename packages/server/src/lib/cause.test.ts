import { expect, test } from 'vitest'

import { currentCause, withCause, withCauseUnlessKnown } from './cause.ts'

test('a cause is carried through what is awaited, and not beyond', async () => {
  const seen = await withCause({ reason: 'API' }, async () => {
    await Promise.resolve()
    return currentCause()
  })
  expect(seen).toEqual({ reason: 'API' })
  expect(currentCause()).toBeUndefined()
})

test('the inner cause counts where it says so, the outer one else', () => {
  withCause({ reason: 'API' }, () => {
    expect(withCause({ reason: 'died' }, currentCause)).toEqual({ reason: 'died' })
    expect(withCauseUnlessKnown({ reason: 'operation' }, currentCause)).toEqual({ reason: 'API' })
  })
  expect(withCauseUnlessKnown({ reason: 'operation' }, currentCause)).toEqual({
    reason: 'operation',
  })
})
