import { withBranch } from '@coppice/testing/vitest'
import { expect, test } from 'vitest'

import { query } from '../query.ts'

const branch = withBranch({ per: 'test', pooled: true, database: 'neondb' })

test.each([1, 2])('no. %i has the rows of the parent alone', async () => {
  await query(branch.url, 'delete from orders')
  await query(branch.url, 'insert into orders values (7)')
  expect(await query(branch.url, 'select id from orders')).toEqual([{ id: 7 }])
})
