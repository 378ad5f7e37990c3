import { expect, test } from 'vitest'

import { type CsvRow, parseCsv, renderCsvRow } from './csv.ts'

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function rowsOf(text: string, size = 1): Promise<Array<Array<string | null>>> {
  const rows: Array<Array<string | null>> = []
  for await (const row of parseCsv(cut(text, size))) {
    rows.push(row.map((field) => (field === null ? null : Buffer.from(field).toString())))
  }
  return rows
}

test.each([1, 2, 3, 7, 1000])('rows are the same in pieces of %i bytes', async (size) => {
  const text = 'a,"b, ""c""\nd",\n"",,"é""\n"""\n\n"x"\n'
  expect(await rowsOf(text, size)).toEqual([
    ['a', 'b, "c"\nd', null],
    ['', null, 'é"\n"'],
    [null],
    ['x'],
  ])
})

test('rows that end within a row are refused', async () => {
  await expect(rowsOf('a,b\nc,"d')).rejects.toThrow('within a row')
})

test('a rendered row is read back as it was', async () => {
  const row: CsvRow = [Buffer.from('a"b'), null, Buffer.from(''), Buffer.from([0xff, 0x22, 0x0a])]
  const rows: CsvRow[] = []
  async function* source() {
    yield renderCsvRow(row)
  }
  for await (const found of parseCsv(source())) rows.push(found)
  expect(rows.map((one) => one.map((field) => field && Buffer.from(field)))).toEqual([row])
})
