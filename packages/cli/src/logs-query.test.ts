import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { parsePostgresLog, severityOf } from './postgres-log.ts'
import { type Bench, startBench } from './testing/cli.ts'

const endpoint = 'ep-quiet-sea-00000001'
const window = ['--start-time', '2026-01-01T00:00:00Z', '--end-time', '2026-01-02T00:00:00Z']

const log = `half of a line
2026-01-01 10:00:00.000 UTC [7] LOG:  database system is ready
2026-01-01 10:00:01.000 UTC [8] app@shop ERROR:  deadlock detected
2026-01-01 10:00:01.000 UTC [9] app@shop WARNING:  between
2026-01-01 10:00:01.000 UTC [8] app@shop DETAIL:  Process 8 waits
\tfor process 9.
2026-01-01 10:00:01.000 UTC [8] app@shop HINT:  See server log.
2026-01-01 10:00:02.000 UTC [10] owner@neondb FATAL:  too many
\tconnections
2026-01-03 10:00:00.000 UTC [11] LOG:  later
`

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
  const home = join(bench.cwd, 'home')
  await mkdir(join(home, 'computes', endpoint), { recursive: true })
  await writeFile(join(home, 'computes', endpoint, 'postgres.log'), log)
  const platform = { api_url: bench.api.url, api_key_file: join(home, 'api-key') }
  await writeFile(join(home, 'run.json'), JSON.stringify(platform))
})
afterEach(async () => bench.stop())

async function query(...argv: string[]): Promise<{ messages: string[]; next: string | undefined }> {
  const { code, stdout } = await bench.run('logs', 'query', ...window, '-o', 'json', ...argv)
  expect(code).toBe(0)
  const answer: { logs: Array<{ message: string }>; next_cursor?: string } = JSON.parse(stdout)
  return { messages: answer.logs.map((one) => one.message), next: answer.next_cursor }
}

test("PostgreSQL's log is taken apart, each detail with what it is about", () => {
  const records = parsePostgresLog(log, { endpoint_id: endpoint })
  expect(records).toHaveLength(5)
  expect(records[1]).toEqual({
    timestamp: '2026-01-01T10:00:01.000Z',
    message: 'deadlock detected',
    attributes: {
      endpoint_id: endpoint,
      pid: '8',
      role: 'app',
      database: 'shop',
      detail: 'Process 8 waits\nfor process 9.',
      hint: 'See server log.',
    },
    source: 'pg_endpoint',
    severity_text: 'ERROR',
  })
  expect(records[3]?.message).toBe('too many\nconnections')
  expect(records.map(severityOf)).toEqual(['info', 'error', 'warn', 'fatal', 'info'])
})

test('a branch is searched by time, severity and text, the newest first', async () => {
  expect((await query()).messages).toEqual([
    'too many\nconnections',
    'between',
    'deadlock detected',
    'database system is ready',
  ])
  expect((await query('--minimum-severity', 'error', '--sort-order', 'asc')).messages).toEqual([
    'deadlock detected',
    'too many\nconnections',
  ])
  expect((await query('--severity-text', 'WARNING')).messages).toEqual(['between'])
  expect((await query('--body-contains', 'ready')).messages).toEqual(['database system is ready'])
  expect((await query('--source', 'function')).messages).toEqual([])
  expect((await bench.run('logs', 'query')).stdout).toBe('Nothing was logged in that time.\n')
})

test('pages follow one another', async () => {
  const first = await query('--limit', '3')
  expect(first.messages).toHaveLength(3)
  const second = await query('--limit', '3', '--cursor', first.next ?? '')
  expect(second).toEqual({ messages: ['database system is ready'], next: undefined })
  const { stderr } = await bench.run('logs', 'query', ...window, '--limit', '1')
  expect(stderr).toBe('3 more; the next page: --cursor 2026-01-02T00:00:00.000Z/1\n')
})

test('the values of a field can be listed', async () => {
  const values = async (field: string) =>
    (await bench.run('logs', 'field-values', field, ...window)).stdout
  expect(await values('role')).toBe('app\nowner\n')
  expect(await values('severity_text')).toBe('ERROR\nFATAL\nLOG\nWARNING\n')
  const { stdout } = await bench.run('logs', 'fields', '-o', 'json')
  expect(JSON.parse(stdout)).toMatchObject({ fields: expect.arrayContaining(['role']) })
})

test.each([
  [['query', '--logql', '{}'], '--logql is about'],
  [['query', '--trace-id', 'x'], '--trace-id is about'],
  [['query', '--cursor', 'x'], 'as it was shown'],
  [['query', '--since', '1h', '--start-time', '2026-01-01T00:00:00Z'], 'cannot be used with'],
  [['query', '--start-time', '2999-01-01T00:00:00Z'], 'ends before it begins'],
  [['field-values', 'color'], 'There are database'],
])('refuses logs %j', async (argv, message) => {
  const { code, stdout, stderr } = await bench.run('logs', ...argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(message)
})

test('a platform elsewhere keeps its logs there', async () => {
  bench.environment['COPPICE_HOME'] = join(bench.cwd, 'nowhere')
  const { code, stderr } = await bench.run('logs', 'query')
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Run this there'),
  })
})
