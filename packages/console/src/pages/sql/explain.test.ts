import { expect, test } from 'vitest'

import { explain, whyNotExplain } from './explain.ts'

test('a statement that is run to be explained is taken back, whatever it ends in', () => {
  const { sql, prefix } = explain('delete from t -- all', true)
  expect(sql).toBe(
    'begin;\nexplain (analyze, buffers, format json) delete from t -- all\n;rollback',
  )
  expect(sql.slice(prefix)).toMatch(/^delete/)
  expect(explain('select 1;', false).sql).toBe('explain (format json) select 1;')
})

test('only one statement is explained, since a second one would be run', () => {
  expect(whyNotExplain('select 1;')).toBeUndefined()
  expect(whyNotExplain('/* a */ with x as (select 1) table x')).toBeUndefined()
  expect(whyNotExplain('select 1; delete from t')).toContain('one statement')
  expect(whyNotExplain('select 1; commit; delete from t')).toContain('one statement')
  expect(whyNotExplain('drop table t')).toContain('DROP')
  expect(whyNotExplain('explain select 1')).toContain('already')
})
