import { appendFile, rename, writeFile } from 'node:fs/promises'

import { createNeonClient } from '@neon/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Compute } from '../compute/compute.ts'
import { must } from '../lib/assert.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'

/** The logs of a branch, through Neon's own client where it has a call for it. */
let control: TestControl
let compute: Compute
let path: { project_id: string; branch_id: string }

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({ body: { project: { name: 'logged' } } })
  path = { project_id: made.project.id, branch_id: made.branch.id }
  compute = must(control.context.host.list()[0], 'the branch has a compute')
})

afterAll(async () => {
  await control?.close()
})

const neon = () =>
  createNeonClient({ apiKey: control.apiKey, baseUrl: control.apiUrl, throwOnError: true })
const scope = () => ({ projectId: path.project_id, branchId: path.branch_id })

const line = (msAgo: number, severity: string, message: string): string => {
  const time = new Date(Date.now() - msAgo).toISOString().replace('T', ' ').replace('Z', ' UTC')
  return `${time} [77] app@neondb ${severity}:  ${message}\n`
}

async function query(body: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const url = `${control.apiUrl}/projects/${path.project_id}/branches/main/logs/query`
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${control.apiKey}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function messages(body: object): Promise<unknown[]> {
  const answer = await query(body)
  return (answer.body['logs'] as { message: string }[]).map(({ message }) => message)
}

test('what a running PostgreSQL writes is found, with its session', async () => {
  await compute.withSuperuser(
    'neondb',
    async (sql) => sql`do $$ begin raise log 'found: %', 42; end $$`,
  )
  const { logs } = await control.client.queryProjectBranchLogs({
    path,
    body: { body_contains: 'found: 42' },
  })
  expect(logs).toEqual([
    {
      timestamp: expect.any(String),
      message: expect.stringContaining('found: 42'),
      source: 'pg_endpoint',
      entity_id: compute.spec.endpointId,
      service_name: 'postgres',
      severity_number: 9,
      severity_text: 'LOG',
      attributes: { process_id: expect.any(Number), role: 'cloud_admin', database: 'neondb' },
    },
  ])
})

test('pages in both orders have every record once, while more are written', async () => {
  await compute.suspend({ force: true })
  await rename(compute.logFile, `${compute.logFile}.1`)
  const names = Array.from({ length: 25 }, (_, index) => `record ${index}`)
  // Some of one millisecond, and one in the older file.
  await writeFile(`${compute.logFile}.1`, line(60_000, 'LOG', 'record 0'))
  const same = line(30_000, 'LOG', '').trimEnd()
  await writeFile(
    compute.logFile,
    names
      .slice(1)
      .map((name) => `${same}  ${name}\n`.replace(':    ', ':  '))
      .join(''),
  )
  for (const order of ['asc', 'desc'] as const) {
    const found: string[] = []
    const pages = neon().logs.query({
      ...scope(),
      sort_order: order,
      limit: 4,
      body_contains: 'record',
    })
    for await (const record of pages) {
      found.push(record.message.trim())
      await appendFile(compute.logFile, line(0, 'LOG', 'record of later'))
    }
    const expected = order === 'asc' ? names : names.toReversed()
    expect(found.filter((name) => name !== 'record of later')).toEqual(expected)
  }
})

test('filters take the window, the severity, the text and a selector', async () => {
  await writeFile(`${compute.logFile}.1`, '')
  await writeFile(
    compute.logFile,
    line(3 * 3_600_000, 'ERROR', 'old error') +
      line(40_000, 'LOG', 'plain') +
      line(30_000, 'WARNING', 'careful') +
      line(20_000, 'ERROR', 'new error') +
      line(20_000, 'DETAIL', 'of the error') +
      '\tand more\n' +
      line(10_000, 'FATAL', 'the end'),
  )
  const error = 'new error\nDETAIL:  of the error\nand more'
  expect(await messages({})).toEqual(['the end', error, 'careful', 'plain'])
  expect(await messages({ since: '6h', severity_text: 'ERROR' })).toEqual([error, 'old error'])
  expect(await messages({ minimum_severity: 'error' })).toEqual(['the end', error])
  expect(await messages({ body_contains: 'of the error' })).toEqual([error])
  expect(await messages({ source: 'function' })).toEqual([])
  expect(await messages({ trace_id: 'a'.repeat(32) })).toEqual([])
  expect(await messages({ logql: '{severity_text="ERROR", role="app"} |= "new"' })).toEqual([error])
  const end = new Date(Date.now() - 25_000).toISOString()
  const start = new Date(Date.now() - 35_000).toISOString()
  expect(await messages({ start_time: start, end_time: end })).toEqual(['careful'])
})

test('fields have the values that were written', async () => {
  const fields = await neon().logs.fields(scope())
  expect(fields).toContain('severity_text')
  const values = async (fieldName: string, more: { limit?: number; since?: string } = {}) =>
    neon().logs.fieldValues({ ...scope(), fieldName, ...more })
  expect(await values('severity_text')).toEqual({
    values: ['ERROR', 'FATAL', 'LOG', 'WARNING'],
    is_truncated: false,
  })
  expect(await values('severity_text', { limit: 2 })).toEqual({
    values: ['ERROR', 'FATAL'],
    is_truncated: true,
  })
  expect(await values('entity_id')).toMatchObject({ values: [compute.spec.endpointId] })
  for (const field of fields) expect((await values(field)).values).not.toEqual([])
  await expect(values('colour')).rejects.toMatchObject({ status: 400 })
})

test.each([
  [{ since: '8d' }, 'time_range_too_large'],
  [{ since: '1h', start_time: '2026-01-01T00:00:00Z' }, 'conflicting_time_range'],
  [{ start_time: '2026-01-02T00:00:00Z', end_time: '2026-01-01T00:00:00Z' }, 'invalid_time_range'],
  [{ cursor: 'x' }, 'invalid_cursor'],
  [{ logql: '{a="b"} | json' }, 'invalid_logql'],
  [{ logql: '{}', source: 'pg_endpoint' }, 'conflicting_filters'],
])('refuses %j, and says why in Neon’s word', async (body, reason) => {
  expect(await query(body)).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', reason },
  })
})

test('refuses the cursor of another query', async () => {
  const first = await query({ limit: 1 })
  const cursor = first.body['next_cursor']
  expect(await query({ limit: 2, cursor })).toMatchObject({ status: 200 })
  expect(await query({ limit: 1, cursor, severity_text: 'LOG' })).toMatchObject({
    status: 400,
    body: { reason: 'invalid_cursor' },
  })
})

test('a branch without computes has no logs, and asking wakes nothing', async () => {
  const { branch } = await control.client.createProjectBranch({
    path: { project_id: path.project_id },
    body: { branch: { name: 'silent' } },
  })
  const silent = { ...path, branch_id: branch.id }
  const nothing = { logs: [], is_truncated: false }
  expect(await control.client.queryProjectBranchLogs({ path: silent, body: {} })).toEqual(nothing)
  await compute.suspend({ force: true })
  expect(await messages({ since: '6h' })).not.toEqual([])
  expect(compute.state).toBe('idle')
})
