import { expect, test } from 'vitest'

import { rewriteShowPoolMode } from './show-pool-mode.ts'

test.each(['SHOW pool_mode', 'show POOL_MODE;', ' \n show\tpool_mode ; ;\n', 'Show "pool_mode"'])(
  'answers %j',
  (text) => {
    expect(rewriteShowPoolMode(text, 'session')).toBe(
      "select 'session'::pg_catalog.text as pool_mode",
    )
  },
)

test.each([
  '',
  'show pools',
  'show pool_mode_x',
  'showpool_mode',
  'show pool_mode; select 1',
  "select 'show pool_mode'",
  'show "POOL_MODE"x',
])('leaves %j alone', (text) => {
  expect(rewriteShowPoolMode(text, 'session')).toBeUndefined()
})
