import { expect, test } from 'vitest'

import { parsePgSettings, renderPgSettings } from './pg-settings.ts'

test('lines of postgresql.conf become settings, and back', () => {
  const text =
    '# memory\nwork_mem = 64MB\n\n  statement_timeout 30s\nsearch_path = \'"$user", app\''
  const { settings, wrongLine } = parsePgSettings(text)
  expect(wrongLine).toBeUndefined()
  expect(settings).toEqual({
    work_mem: '64MB',
    statement_timeout: '30s',
    search_path: '"$user", app',
  })
  expect(parsePgSettings(renderPgSettings(settings)).settings).toEqual(settings)
})

test('a line that is no setting is named', () => {
  expect(parsePgSettings('work_mem = 1MB\nnonsense').wrongLine).toBe('nonsense')
})
