import { expect, test } from 'vitest'

import { databaseError, ofDatabase } from './database-errors.ts'

const failing = async (code: string): Promise<Error> => {
  const error = Object.assign(new Error('it failed'), { code })
  await expect(ofDatabase(async () => Promise.reject(error))).rejects.toBe(error)
  return error
}

test.each(['57P01', '57P05', '25P04', 'CONNECTION_CLOSED', 'ECONNREFUSED'])(
  'a session of the platform’s that ended with %s is told as the branch’s',
  async (code) => {
    expect(databaseError(await failing(code))).toMatchObject({ code: 'compute_unavailable' })
    // Of the store, perhaps.
    expect(databaseError(Object.assign(new Error('it failed'), { code }))).toBeUndefined()
  },
)

test('a cluster without space has no space in the pool', async () => {
  expect(databaseError(await failing('53100'))).toMatchObject({ code: 'pool_full' })
})

test('what a cluster only refuses is told elsewhere', async () => {
  expect(databaseError(await failing('42P01'))).toBeUndefined()
  expect(databaseError('a text')).toBeUndefined()
})
