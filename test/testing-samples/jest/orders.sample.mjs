/* global test */
import assert from 'node:assert/strict'

import { withBranch } from '@coppice/testing/jest'
import pg from 'pg'

const branch = withBranch({ per: 'test' })

for (const name of ['first', 'second']) {
  test(`the ${name} test has a branch of its own`, async () => {
    const client = new pg.Client({ connectionString: branch.url })
    await client.connect()
    await client.query("insert into orders values (2, 'mine')")
    const { rows } = await client.query('select count(*)::int as n from orders')
    await client.end()
    assert.deepEqual(rows, [{ n: 2 }])
  })
}
