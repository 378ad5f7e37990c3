import { expect, test } from 'vitest'

import { isCopy, parseSqlBody } from './sql-body.ts'

const parse = (body: string) => parseSqlBody(Buffer.from(body))

test('reads one query with the kinds of parameters that there are', async () => {
  const params = ['a', null, 1.5, true, { a: 1 }, [1, null, ['x']]]
  expect(await parse(JSON.stringify({ query: 'select 1', params }))).toEqual({
    isBatch: false,
    queries: [
      {
        text: 'select 1',
        parameters: ['a', null, '1.5', 'true', '{"a":1}', '{"1",NULL,{"x"}}'],
        arrayMode: undefined,
      },
    ],
  })
})

test('reads a batch, with and without parameters', async () => {
  const queries = [{ query: 'select 1' }, { query: 'select 2', params: ['x'], arrayMode: false }]
  expect(await parse(JSON.stringify({ queries }))).toEqual({
    isBatch: true,
    queries: [
      { text: 'select 1', parameters: [], arrayMode: undefined },
      { text: 'select 2', parameters: ['x'], arrayMode: false },
    ],
  })
})

test.each([
  '[]',
  '"select 1"',
  'null',
  '{}',
  '{"query":1}',
  '{"query":"select 1","params":{}}',
  '{"queries":{}}',
  '{"queries":["select 1"]}',
])('says what a body must be instead of %s', async (body) => {
  await expect(parse(body)).rejects.toThrow(
    'the request body must be {"query": "…", "params": […]}',
  )
})

test.each([
  ['{"query":', 'JSON'],
  ['', 'JSON'],
  ['{"query":"select $1","params":[9007199254740993]}', 'send it as a string'],
  [JSON.stringify({ query: 'select\0 1' }), 'invalid byte sequence for encoding "UTF8": 0x00'],
  [JSON.stringify({ query: 'x', params: ['\0'] }), 'invalid byte sequence for encoding'],
  [JSON.stringify({ query: 'x', params: [['\0']] }), 'invalid byte sequence for encoding'],
  [
    JSON.stringify({ query: 'x', params: Array(65_536).fill(null) }),
    'a query takes at most 65535 parameters, not 65536',
  ],
  [JSON.stringify({ query: 'copy t from stdin' }), 'COPY is not possible in SQL over HTTP'],
])('refuses %.60s', async (body, message) => {
  await expect(parse(body)).rejects.toThrow(message)
})

test.each([
  'copy t to stdout',
  ' \n COPY(select 1) to stdout',
  '-- c\ncopy"t" from stdin',
  '/* a /* nested */ b */copy t from stdin',
  ';;copy t from stdin',
  'copy',
])('knows COPY in %j', (query) => {
  expect(isCopy(query)).toBe(true)
})

test.each([
  '',
  'copyright()',
  'copy_all()',
  'copyé',
  '-- copy\nselect 1',
  '/* copy */ select 1',
  '/* copy t from stdin',
  'select copy',
  `${'/* */ '.repeat(20_000)}x`,
])('knows that there is no COPY in %.40j', (query) => {
  expect(isCopy(query)).toBe(false)
})
