import { expect, test } from 'vitest'

import { fixedSource } from './grid-source.ts'
import { copyText, rowFormat, type RowFormatName, textOf } from './rows-as-text.ts'

const source = fixedSource(
  [
    { name: 'id', type: 'bigint' },
    { name: 'the "name"', type: 'text' },
    { name: 'ok', type: 'boolean' },
    { name: 'data', type: 'jsonb' },
    { name: 'n', type: 'numeric(10,2)' },
  ],
  [
    ['9007199254740993', `it's "x", y`, 't', '{"a": 1}', '1.50'],
    ['2', '', 'f', null, 'NaN'],
    ['3', null, null, '[]', null],
  ],
)
const write = (name: RowFormatName, table?: string): string =>
  [...textOf(source, rowFormat(name, source.columns, table))].join('')

test('CSV is what COPY reads: NULL is nothing, an empty text has quotes', () => {
  expect(write('csv')).toBe(
    `id,"the ""name""",ok,data,n
9007199254740993,"it's ""x"", y",t,"{""a"": 1}",1.50
2,"",f,,NaN
3,,,[],
`,
  )
})

test('JSON has numbers with all their digits, and JSON as it is', () => {
  expect(JSON.parse(write('json'))).toEqual([
    { id: 9007199254740992, 'the "name"': `it's "x", y`, ok: true, data: { a: 1 }, n: 1.5 },
    { id: 2, 'the "name"': '', ok: false, data: null, n: 'NaN' },
    { id: 3, 'the "name"': null, ok: null, data: [], n: null },
  ])
  expect(write('ndjson').split('\n')[0]).toContain('"id":9007199254740993,')
  expect(JSON.parse([...textOf(fixedSource([], []), rowFormat('json', []))].join(''))).toEqual([])
})

test('INSERTs quote names and texts', () => {
  expect(write('sql', 'public.person').split('\n').slice(0, 2)).toEqual([
    `INSERT INTO public.person ("id", "the ""name""", "ok", "data", "n") VALUES (9007199254740993, 'it''s "x", y', 't', '{"a": 1}', 1.50);`,
    `INSERT INTO public.person ("id", "the ""name""", "ok", "data", "n") VALUES (2, '', 'f', NULL, 'NaN');`,
  ])
})

test('cells are copied as a spreadsheet reads them, one cell as it is', () => {
  const all = { top: 0, left: 1, bottom: 2, right: 2 }
  expect(copyText(source, all)).toBe(`"it's ""x"", y"\tt\n\tf\n\t`)
  expect(copyText(source, { top: 0, left: 1, bottom: 0, right: 1 })).toBe(`it's "x", y`)
})
