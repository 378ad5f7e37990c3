import { expect, test } from 'vitest'

import { parseLogRecords, type PostgresLogRecord } from './log-records.ts'

async function parse(text: string): Promise<PostgresLogRecord[]> {
  const records: PostgresLogRecord[] = []
  for await (const record of parseLogRecords(text.split('\n'))) records.push(record)
  return records
}

test("a message of a session has its role and database, the cluster's own have none", async () => {
  const records = await parse(
    [
      '2026-11-05 10:00:00.123 UTC [42] LOG:  database system is ready to accept connections',
      '2026-11-05 10:00:01.000 UTC [43] app owner@my db ERROR:  relation "t@x" does not exist at character 15',
      '2026-11-05 10:00:02.000 UTC [44] [unknown]@[unknown] FATAL:  no such user',
    ].join('\n'),
  )
  expect(records).toEqual([
    {
      atMs: Date.parse('2026-11-05T10:00:00.123Z'),
      processId: 42,
      severity: 'LOG',
      message: 'database system is ready to accept connections',
      role: undefined,
      database: undefined,
    },
    {
      atMs: Date.parse('2026-11-05T10:00:01.000Z'),
      processId: 43,
      severity: 'ERROR',
      message: 'relation "t@x" does not exist at character 15',
      role: 'app owner',
      database: 'my db',
    },
    expect.objectContaining({ severity: 'FATAL', role: undefined, database: undefined }),
  ])
})

test('details and further lines belong to the message before them', async () => {
  const records = await parse(
    [
      'half a line of before',
      '2026-11-05 10:00:01.000 UTC [43] a@b ERROR:  duplicate key value',
      '2026-11-05 10:00:01.000 UTC [43] a@b DETAIL:  Key (n)=(1) already exists.',
      '2026-11-05 10:00:01.000 UTC [43] a@b CONTEXT:  first',
      '\tsecond',
      '2026-11-05 10:00:01.000 UTC [43] a@b LOG:  another',
    ].join('\n'),
  )
  expect(records.map(({ message }) => message)).toEqual([
    'duplicate key value\nDETAIL:  Key (n)=(1) already exists.\nCONTEXT:  first\nsecond',
    'another',
  ])
})

test('a message that quotes a severity keeps its own', async () => {
  const [record] = await parse(
    '2026-11-05 10:00:01.000 UTC [43] LOG:  said x@y ERROR:  is not an error',
  )
  expect(record).toMatchObject({ severity: 'LOG', message: 'said x@y ERROR:  is not an error' })
})

test('a message without end is cut', async () => {
  const long = `2026-11-05 10:00:01.000 UTC [43] LOG:  ${'x'.repeat(100_000)}\n\t${'y'.repeat(10)}`
  const [record] = await parse(long)
  expect(record?.message).toHaveLength(64 * 1024)
})
