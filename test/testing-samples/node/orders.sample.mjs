import assert from 'node:assert/strict'
import { test } from 'node:test'

import { withBranch } from '@coppice/testing/node'
import pg from 'pg'

const branch = withBranch({ schemaOnly: true, parent: 'main' })

void test('the table is there without rows', async () => {
  const client = new pg.Client({ connectionString: branch.url })
  await client.connect()
  const { rows } = await client.query('select count(*)::int as n from orders')
  await client.end()
  assert.deepEqual(rows, [{ n: 0 }])
})
