import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { Client } from 'pg'

import { superuserName } from '../../../compute/access-files.ts'
import type { Compute } from '../../../compute/compute.ts'
import { must } from '../../../lib/assert.ts'
import { parseLsn } from '../../../lib/lsn.ts'
import type { Interval, LedgerLine, Prepared } from './ledger-oracle.ts'
import type { Random } from './random.ts'

/** Every transaction writes its number to both tables, in either order, so that half of one shows. */
export const ledgerSchema = `
  create extension amcheck schema public;
  create table public.ledger (id bigint primary key, payload text);
  create table public.entries (id bigint primary key);
  create table public.bulk (id bigint, payload text)`

interface WriterOptions {
  random: Random
  /** A compute to write to for a while. */
  choose: () => Promise<Compute | undefined>
  lineOf: (volumeId: string) => LedgerLine
  nextId: () => number
}

/** Commits numbered transactions to one compute after another, and records when; until it is told to stop. */
export async function writeLedger(options: WriterOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const compute = await options.choose()
    if (compute === undefined) {
      await delay(20)
      continue
    }
    const connection = await connect(compute, options).catch(() => undefined)
    if (connection === undefined) continue
    try {
      const count = 1 + options.random.below(30)
      for (let n = 0; n < count && !signal.aborted; n++) {
        await writeOne(connection, options)
        await delay(options.random.below(25))
      }
    } catch {
      // The compute was suspended, killed or given another line; what was not answered is in doubt.
    } finally {
      await connection.client.end().catch(() => undefined)
    }
  }
}

interface Connection {
  client: Client
  line: LedgerLine
}

async function connect(compute: Compute, { lineOf }: WriterOptions): Promise<Connection> {
  const { socketPath } = await compute.wake()
  const client = new Client({
    host: dirname(socketPath),
    port: 5432,
    user: superuserName,
    database: 'neondb',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const line = compute.spec.historyLine
    // A compute changes its line only while it is stopped: who is still connected is connected to this one.
    await client.query('select 1')
    return { client, line: lineOf(line) }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

async function writeOne({ client, line }: Connection, options: WriterOptions): Promise<void> {
  const { random, nextId } = options
  const id = nextId()
  const kind = random.next()
  await client.query('begin')
  const inserts = [
    `insert into public.ledger values (${id}, repeat('x', ${random.below(400)}))`,
    `insert into public.entries values (${id})`,
  ]
  for (const insert of random.chance(0.5) ? inserts : inserts.toReversed())
    await client.query(insert)
  if (kind < 0.05) await client.query(bulk(id, 2_000 + random.below(6_000)))
  if (kind > 0.9) await client.query('rollback')
  else if (kind > 0.8) await commitInTwoPhases({ client, line }, id, random)
  else await measured(client, 'commit', (interval) => line.commits.set(id, interval))
}

/** Some megabytes: several segments of WAL in one transaction. */
const bulk = (id: number, rows: number): string =>
  `insert into public.bulk select ${id}, repeat(md5(n::text), 16) from generate_series(1, ${rows}) n`

async function commitInTwoPhases(
  { client, line }: Connection,
  id: number,
  random: Random,
): Promise<void> {
  const gid = `t${id}`
  await measured(client, `prepare transaction '${gid}'`, (prepared) =>
    line.prepared.set(gid, { prepared, finished: undefined }),
  )
  await delay(random.below(400))
  const isCommit = random.chance(0.7)
  await measured(client, `${isCommit ? 'commit' : 'rollback'} prepared '${gid}'`, (finished) => {
    const known: Prepared = must(line.prepared.get(gid), 'it was prepared')
    line.prepared.set(gid, { ...known, finished })
    if (isCommit) line.commits.set(id, finished)
  })
}

const look = `select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as us,
  pg_current_wal_insert_lsn()::text as lsn`

interface Point {
  us: string
  lsn: string
}

/** Tells the interval once with an open end, before the statement is sent, and again when it is known. */
async function measured(
  client: Client,
  statement: string,
  tell: (interval: Interval) => void,
): Promise<void> {
  const before = must((await client.query<Point>(look)).rows[0], 'a select answers a row')
  const open: Interval = {
    fromUs: Number(before.us),
    toUs: Number.POSITIVE_INFINITY,
    fromLsn: must(parseLsn(before.lsn), 'PostgreSQL tells an LSN'),
    toLsn: undefined,
  }
  tell(open)
  await client.query(statement)
  const after = must((await client.query<Point>(look)).rows[0], 'a select answers a row')
  tell({
    ...open,
    toUs: Number(after.us),
    toLsn: must(parseLsn(after.lsn), 'PostgreSQL tells an LSN'),
  })
}
