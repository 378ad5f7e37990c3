import type { LogRecord } from '@coppice/api'
import { expect, test } from 'vitest'

import { AppError } from '../lib/errors.ts'
import { parseLogql } from './logql.ts'

const record: LogRecord = {
  timestamp: '2026-11-05T10:00:00.000Z',
  message: 'relation "orders" does not exist',
  source: 'pg_endpoint',
  entity_id: 'ep-1',
  service_name: 'postgres',
  severity_number: 17,
  severity_text: 'ERROR',
  attributes: { role: 'app', process_id: 7 },
}

test.each([
  ['{}', true],
  ['{entity_type="pg_endpoint"}', true],
  ['{entity_type="function"} |= "timeout"', false],
  ['{ service_name = "postgres", severity_text != "LOG" } |= "orders" != "timeout"', true],
  ['{role="app"} |= `"orders"`', true],
  [String.raw`{role="app"} |= "\"orders\""`, true],
  ['{database=""}', true],
  ['{role!="app"}', false],
])('%s selects: %s', (text, expected) => {
  expect(parseLogql(text)(record)).toBe(expected)
})

test.each([
  'postgres',
  '{service_name=~"post.*"}',
  '{} |~ "x"',
  '{} | json',
  'count_over_time({}[5m])',
  '{colour="red"}',
  '{service_name="postgres"',
  '{service_name=postgres}',
  String.raw`{service_name="\q"}`,
  '{} |=',
])('refuses %s', (text) => {
  let error: unknown
  try {
    parseLogql(text)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(AppError)
  expect(error).toMatchObject({ code: 'invalid_request', reason: 'invalid_logql' })
})
