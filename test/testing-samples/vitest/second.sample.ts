import { withBranch } from '@coppice/testing/vitest'
import { expect, test } from 'vitest'

import { query } from '../query.ts'

/** Run twice, in two files at the same time: neither sees what the other does. */
const branch = withBranch({ name: 'vitest', variable: 'DATABASE_URL' })

test('the rows of the parent are there, and one is added', async () => {
  expect(process.env['DATABASE_URL']).toBe(branch.url)
  await query(branch.url, "insert into orders values (2, 'mine')")
  expect(await query(branch.url, 'select count(*)::int as n from orders')).toEqual([{ n: 2 }])
})

test('the next test of the file finds it', async () => {
  expect(await query(branch.url, 'select note from orders where id = 2')).toEqual([
    { note: 'mine' },
  ])
})
