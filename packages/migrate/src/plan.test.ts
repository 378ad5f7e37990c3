import { expect, test } from 'vitest'

import type { Entry } from './ledger.ts'
import { countLoss, describeLoss } from './loss.ts'
import { checksumOf, type Migration } from './migration.ts'
import { compareWithLedger, planTasks } from './plan.ts'
import { parseStatements } from './statements.ts'

const noTools = { appliedBy: () => undefined, record: async () => undefined }

async function migration(
  name: string,
  sql = 'select 1; select 2',
  checksum = 'x',
): Promise<Migration> {
  const statements = await parseStatements({ name, sql, firstLine: 1 })
  return { name, path: name, checksum, statements, transactional: false, journaledAt: undefined }
}

function entry(name: string, fields: Partial<Entry> = {}): Entry {
  return {
    name,
    checksum: 'x',
    started_at: '2030-01-31 12:00:00+00',
    applied_at: '2030-01-31 12:00:00+00',
    applied_by: 'neondb_owner',
    duration_ms: '1',
    statements: '2',
    statements_done: '2',
    done_checksum: '',
    restore_point_id: null,
    ...fields,
  }
}

async function plan(names: string[], entries: Entry[], allowOutOfOrder = false): Promise<string[]> {
  const migrations = await Promise.all(names.map(async (name) => migration(name)))
  const tasks = planTasks(compareWithLedger(migrations, entries, noTools), allowOutOfOrder)
  return tasks.map((task) => task.migration.name)
}

test('what has run is not run again', async () => {
  expect(await plan(['1', '2', '3'], [entry('1')])).toEqual(['2', '3'])
  expect(await plan(['1'], [entry('1')])).toEqual([])
})

test('what comes before something that has run is refused unless it is asked for', async () => {
  await expect(plan(['1', '2'], [entry('2')])).rejects.toThrow('1 comes before 2')
  // Files may be named one by one: what is not among them counts by its number.
  await expect(plan(['9'], [entry('10')])).rejects.toThrow('9 comes before 10')
  expect(await plan(['1', '2'], [entry('2')], true)).toEqual(['1'])
  expect(await plan(['a'], [entry('b')])).toEqual(['a'])
})

test('an edited history is refused, also with --allow-out-of-order', async () => {
  await expect(plan(['1', '2'], [entry('1', { checksum: 'y' })], true)).rejects.toThrow(
    '1 has been edited since',
  )
})

test('a file that was interrupted goes on; what ran of it must be as it was, the rest may be mended', async () => {
  const before = await migration('1', 'select 1; select nothing', 'before')
  const begun = entry('1', {
    applied_at: null,
    statements_done: '1',
    checksum: before.checksum,
    done_checksum: checksumOf(before.statements.slice(0, 1)),
  })
  const standing = async (sql: string) => {
    const [only] = compareWithLedger([await migration('1', sql, 'after')], [begun], noTools)
    return only ? [only.state, planOrRefusal(only)] : []
  }
  const planOrRefusal = (one: Parameters<typeof planTasks>[0][number]) => {
    try {
      return planTasks([one], false).map(({ done }) => done)
    } catch {
      return 'refused'
    }
  }
  expect(await standing('select 1; select 3; select 4')).toEqual(['unfinished', [1]])
  expect(await standing('select 0; select 3')).toEqual(['edited', 'refused'])
})

test('what another tool has applied counts, and what has no file any more is told', async () => {
  const tools = {
    ...noTools,
    appliedBy: ({ name }: Migration) => (name === '1' ? 'Prisma' : undefined),
  }
  const standings = compareWithLedger(
    [await migration('1'), await migration('2')],
    [entry('gone')],
    tools,
  )
  expect(standings.map(({ name, state, tool }) => [name, state, tool])).toEqual([
    ['1', 'applied', 'Prisma'],
    ['2', 'pending', undefined],
    ['gone', 'missing', undefined],
  ])
})

test('what an undo loses is what others have changed, and says where counting began anew', () => {
  const point = {
    id: '1',
    taken_at: '',
    lsn: '0/1',
    snapshot_id: null,
    expires_at: null,
    next_xid: '100',
    counters: { '1': { name: 'public.a', rows: 10 }, '2': { name: 'public.b', rows: 50 } },
    own_rows: { '1': 4 },
    own_transactions: '2',
  }
  const a = { name: 'public.a', rows: 17 }
  const loss = countLoss(point, { '1': a, '3': { name: 'public.new', rows: 5 } }, '105')
  expect(loss).toEqual({
    transactions: 3,
    tables: [
      { table: 'public.new', rows: 5 },
      { table: 'public.a', rows: 3 },
    ],
    is_lower_bound: false,
  })
  const anew = countLoss(
    point,
    { '1': { name: 'public.a', rows: 14 }, '2': { name: 'public.b', rows: 6 } },
    '102',
  )
  expect(anew).toMatchObject({
    transactions: 0,
    tables: [{ table: 'public.b', rows: 6 }],
    is_lower_bound: true,
  })
  expect(describeLoss(anew).join()).toContain('it may be more')
})
