import type { QueryLine } from '@coppice/api'
import { expect, test } from 'vitest'

import { type RunState, SqlRun } from './sql-run.ts'

const column = { name: 'a', type: 'text', type_id: 25, table_id: 0, column_number: 0 }
const begin = (statement: number, start: number, end: number): QueryLine[] => [
  { type: 'statement', statement, start, end },
  { type: 'columns', statement, columns: [column] },
]
const rows = (statement: number, ...values: string[]): QueryLine => ({
  type: 'rows',
  statement,
  rows: values.map((value) => [value]),
})
const complete = (statement: number, row_count: number): QueryLine => ({
  type: 'complete',
  statement,
  command: 'SELECT',
  row_count,
  duration_ms: 5,
})

interface Ran {
  state: RunState
  run: SqlRun
}

async function play(sql: string, lines: QueryLine[], limitBytes = 1e6): Promise<Ran> {
  const ends: RunState[] = []
  const run = new SqlRun(sql, {
    limitBytes,
    query: async (signal) =>
      (async function* answer() {
        for (const line of lines) {
          signal.throwIfAborted()
          yield line
        }
      })(),
    onEnd: (state) => ends.push(state),
  })
  await run.start()
  const [state] = ends
  if (state === undefined || ends.length > 1) throw new Error('a run ends once')
  return { state, run }
}

test('each statement has its rows, and how it ended', async () => {
  const { state } = await play('select 1; select 2', [
    ...begin(0, 0, 8),
    rows(0, 'x', 'y'),
    complete(0, 2),
    ...begin(1, 10, 18),
    { type: 'notice', statement: 1, severity: 'NOTICE', code: '00000', message: 'look' },
    { type: 'error', statement: 1, severity: 'ERROR', code: '42', message: 'no', duration_ms: 1 },
    { type: 'end', duration_ms: 9 },
  ])
  expect(state).toMatchObject({
    phase: 'failed',
    statements: [
      { sql: 'select 1', state: 'done', rowCount: 2, command: 'SELECT' },
      {
        sql: 'select 2',
        state: 'failed',
        error: { message: 'no' },
        notices: [{ message: 'look' }],
      },
    ],
  })
  expect(state.statements[0]?.store?.cell(1, 0)).toBe('y')
})

test('rows that do not fit end a statement that only reads', async () => {
  const lines = [...begin(0, 0, 15), rows(0, 'x'.repeat(100)), rows(0, 'more'), complete(0, 2)]
  const { state } = await play('select * from t;', lines, 50)
  expect(state).toMatchObject({ phase: 'stopped', statements: [{ isCut: true, state: 'stopped' }] })
  expect(state.statements[0]?.store?.rowCount).toBe(1)
})

test('a statement that writes, or is not the last, runs to its end with the rows left out', async () => {
  const sql = 'delete from t returning *'
  const lines = [...begin(0, 0, 25), rows(0, 'x'.repeat(100)), rows(0, 'more'), complete(0, 2)]
  for (const { state } of [
    await play(sql, lines, 50),
    await play('select * from tables_long; select 2', lines, 50),
  ]) {
    expect(state).toMatchObject({ phase: 'finished', statements: [{ isCut: true, rowCount: 2 }] })
    expect(state.statements[0]?.store?.rowCount).toBe(1)
  }
})

test('what the API refuses is the failure of the run', async () => {
  const failure = new Error('asleep')
  const run = new SqlRun('select 1', {
    limitBytes: 1,
    query: async () => Promise.reject(failure),
    onEnd: () => undefined,
  })
  await run.start()
  expect(run.state()).toMatchObject({ phase: 'failed', failure })
  expect(run.isRunning).toBe(false)
})
