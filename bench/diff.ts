import createSql, { type Sql } from 'postgres'

import { compareTable } from '../packages/cli/src/data-diff/compare-table.ts'
import { type Session, sessionSetup, type TextRow } from '../packages/cli/src/data-diff/session.ts'
import { planTables } from '../packages/cli/src/data-diff/tables.ts'
import {
  findInstallations,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from '../packages/server/src/testing/throwaway-postgres.ts'
import { timed } from './client.ts'
import { printHeading, printSummary } from './statistics.ts'

/**
 * How long it takes to find the rows in which two tables differ: by sums over buckets of rows, as
 * `coppice diff --data` does it, and by an ordered merge of two cursors over all rows. Two databases of
 * one server without a gateway in between. `npm run bench:diff [-- --quick]`.
 */
const isQuick = process.argv.includes('--quick')
const rows = isQuick ? 100_000 : 1_000_000
const rounds = isQuick ? 2 : 5
const fetchRows = 5000

const cases: { label: string; key: string; change: string }[] = [
  { label: 'nothing', key: 'n', change: 'select' },
  {
    label: '100 changed rows, spread',
    key: 'n',
    change: `update t set b = b + 1 where n % ${rows / 100} = 7`,
  },
  {
    label: '100 added rows, at the end',
    key: 'n',
    change: `insert into t select n, md5(n::text), n, now() from generate_series(${rows + 1}, ${rows + 100}) n`,
  },
  {
    label: '100 changed rows, keys of text',
    key: 'a',
    change: `update t set b = b + 1 where n % ${rows / 100} = 7`,
  },
  { label: 'every tenth row changed', key: 'n', change: 'update t set b = b + 1 where n % 10 = 7' },
]

const [installation] = (await findInstallations()).toReversed()
if (installation === undefined) throw new Error('no PostgreSQL is on this machine')
const server = await startThrowawayPostgres(installation)
try {
  printHeading(`${rows} rows, PostgreSQL ${installation.version}, ms`)
  for (const one of cases) await benchCase(server, one)
} finally {
  await server.stop()
}

async function benchCase(
  database: ThrowawayPostgres,
  { label, key, change }: (typeof cases)[number],
): Promise<void> {
  for (const name of ['left_side', 'right_side']) {
    await database.sql(`drop database if exists ${name} with (force)`)
    await database.sql(`create database ${name}`)
    const side = connect(database.socketPath, name)
    await side.unsafe(`
      create table t (n integer, a text, b bigint, c timestamptz);
      insert into t select n, md5(n::text), n, '2026-01-01' from generate_series(1, ${rows}) n;
      alter table t add primary key (${key});
      ${name === 'right_side' ? change : ''}`)
    await side.unsafe('vacuum analyze t')
    await side.end()
  }
  const sides = [
    connect(database.socketPath, 'left_side'),
    connect(database.socketPath, 'right_side'),
  ] as const
  const [left, right] = [await open(sides[0]), await open(sides[1])]
  const [plan] = await planTables(left, right)
  if (plan === undefined) throw new Error('the table is there')
  const found = new Set<number>()
  const times: Record<'buckets' | 'merge', number[]> = { buckets: [], merge: [] }
  for (let round = 0; round < rounds; round++) {
    times.buckets.push(
      await timed(async () => {
        const { counts } = await compareTable(left, right, plan, 100)
        found.add(counts.added + counts.removed + counts.changed)
      }),
    )
    times.merge.push(await timed(async () => found.add(await merge(left, right, key))))
  }
  if (found.size !== 1) throw new Error(`the ways do not agree: ${[...found].join(', ')}`)
  printSummary(`${label}: buckets`, times.buckets)
  printSummary(`${label}: merge`, times.merge)
  await Promise.all(sides.map(async (side) => side.end()))
}

function connect(path: string, database: string): Sql {
  return createSql({
    path,
    database,
    user: 'postgres',
    max: 1,
    prepare: false,
    fetch_types: false,
    onnotice: () => undefined,
  })
}

async function open(sql: Sql): Promise<Session> {
  await sql.unsafe(sessionSetup)
  return {
    query: async (text) =>
      (await sql.unsafe(text).raw()).map((row) =>
        row.map((value) => value?.toString() ?? null),
      ) as TextRow[],
  }
}

/** How many rows differ, by reading the hashes of all of them in the order of their keys. */
async function merge(left: Session, right: Session, key: string): Promise<number> {
  const [a, b] = [readAll(left, key), readAll(right, key)]
  let differing = 0
  let [x, y] = await Promise.all([a.next(), b.next()])
  while (!x.done || !y.done) {
    const order = x.done ? 1 : y.done ? -1 : compare(x.value[0], y.value[0])
    if (order !== 0 || (!x.done && !y.done && x.value[1] !== y.value[1])) differing += 1
    ;[x, y] = await Promise.all([order <= 0 ? a.next() : x, order >= 0 ? b.next() : y])
  }
  return differing
}

/** Keys here are numbers, or texts of one length that sort by their bytes. */
function compare(a: string | null | undefined, b: string | null | undefined): number {
  const [x, y] = [a ?? '', b ?? '']
  return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0)
}

async function* readAll(session: Session, key: string): AsyncGenerator<TextRow> {
  await session.query(`declare everything no scroll cursor for
    select ${key}, hashtextextended(row(n, a, b, c)::text, 0) from public.t order by ${key}`)
  for (;;) {
    const batch = await session.query(`fetch ${fetchRows} from everything`)
    if (batch.length === 0) break
    yield* batch
  }
  await session.query('close everything')
}
