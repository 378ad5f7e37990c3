import type { Client } from 'pg'

import type { TestPlatform } from '../platform.ts'
import {
  type Anomaly,
  checkHistory,
  type Isolation,
  type Step,
  type Transaction,
  valuesWritten,
} from './check-history.ts'
import type { RandomNumbers } from './random-numbers.ts'
import { connect, type Port, transact, withClient, Worker } from './session.ts'

/** Lists that clients append to and read, a few at a time, in serializable transactions. */
const keys = 12
const mostSteps = 4

export const listsSql = `
  CREATE TABLE lists (key int PRIMARY KEY, items int[] NOT NULL);
  INSERT INTO lists SELECT n, '{}' FROM generate_series(1, ${keys}) n;`

/** With the branch that it was for, and when, by `performance.now()`. */
export interface Recorded extends Transaction {
  branch: string
  startMs: number
  endMs: number
}

/** All transactions that clients have made, wherever. */
export class Recorder {
  readonly transactions: Recorded[] = []
  #nextValue = 1
  #nextId = 1

  /** Memory is limited: what has been checked is forgotten, and the lists begin anew. */
  async clear(platform: TestPlatform, uri: string): Promise<void> {
    await withClient(platform, uri, async (client) => client.query(`UPDATE lists SET items = '{}'`))
    this.transactions.length = 0
  }

  nextValue(): number {
    return this.#nextValue++
  }

  begin(branch: string): Recorded {
    const transaction: Recorded = {
      id: this.#nextId++,
      branch,
      steps: [],
      // Until it has ended, nobody knows.
      outcome: 'unknown',
      startMs: performance.now(),
      endMs: Infinity,
    }
    this.transactions.push(transaction)
    return transaction
  }
}

interface AppenderOptions {
  platform: TestPlatform
  uri: string
  branch: string
  port: Port
  random: RandomNumbers
  recorder: Recorder
  pauseMs?: number
}

/** Appends and reads until it is stopped. */
export function startAppender(options: AppenderOptions): Worker {
  const { platform, uri, port, branch, random, recorder, pauseMs } = options
  return new Worker({
    ...(pauseMs !== undefined && { pauseMs }),
    connect: async () => connect(platform, uri, port),
    transact: async (client) => {
      const transaction = recorder.begin(branch)
      const { outcome, isUsable } = await transact(client, 'SERIALIZABLE', async () => {
        const count = 1 + random.below(mostSteps)
        for (let at = 0; at < count; at++) {
          await step(client, transaction.steps, 1 + random.below(keys), random, recorder)
        }
      })
      transaction.outcome = outcome
      transaction.endMs = performance.now()
      return isUsable
    },
  })
}

async function step(
  client: Client,
  steps: Step[],
  key: number,
  random: RandomNumbers,
  recorder: Recorder,
): Promise<void> {
  if (random.below(2) === 0) {
    const { rows } = await client.query<{ items: number[] }>(
      'SELECT items FROM lists WHERE key = $1',
      [key],
    )
    steps.push({ kind: 'read', key, values: rows[0]?.items ?? [] })
    return
  }
  const value = recorder.nextValue()
  // Before it is sent: it may have arrived though nobody says so.
  steps.push({ kind: 'append', key, value })
  await client.query('UPDATE lists SET items = items || $2::int WHERE key = $1', [key, value])
}

/** All lists of a branch at one moment. */
export async function readLists(platform: TestPlatform, uri: string): Promise<Step[]> {
  return withClient(platform, uri, async (client) => {
    const { rows } = await client.query<{ key: number; items: number[] }>(
      'SELECT key, items FROM lists ORDER BY key',
    )
    return rows.map(({ key, items }) => ({ kind: 'read', key, values: items }))
  })
}

/** One line of data: what a branch held at the end, and what of the record belongs there. */
export interface Line {
  name: string
  /** All lists, at the end. */
  end: readonly Step[]
  /** Whose reads were made of it: all that its clients did between these moments. */
  branch: string
  fromMs: number
  untilMs: number
  isolation: Isolation
}

/** What is wrong with a line: anomalies among what its clients saw, and transactions that are there in part. */
export function checkLine(line: Line, record: readonly Recorded[]): (Anomaly | string)[] {
  const there = new Set(line.end.flatMap((one) => (one.kind === 'read' ? one.values : [])))
  const within = ({ branch, startMs, endMs }: Recorded): boolean =>
    branch === line.branch && startMs >= line.fromMs && endMs <= line.untilMs
  const history: Transaction[] = []
  const torn: string[] = []
  for (const one of record) {
    const written = valuesWritten(one)
    const found = written.filter((value) => there.has(value))
    if (found.length > 0 && found.length < written.length) {
      torn.push(`transaction ${one.id} is in ${line.name} in part: ${found.join()}`)
    }
    // What only read belongs where it was made; what wrote, where that is.
    if (found.length > 0 || (written.length === 0 && within(one))) history.push(one)
    else if (one.outcome === 'aborted') history.push(one)
  }
  const end: Transaction = { id: 0, steps: [...line.end], outcome: 'committed' }
  return [...torn, ...checkHistory([...history, end], line.isolation)]
}

/** Transactions that their clients were told of as committed, and of which no line has anything. */
export function findLost(ends: readonly Line['end'][], record: readonly Recorded[]): number[] {
  const there = new Set(ends.flat().flatMap((one) => (one.kind === 'read' ? one.values : [])))
  return record
    .filter(({ outcome }) => outcome === 'committed')
    .filter((one) => valuesWritten(one).some((value) => !there.has(value)))
    .map(({ id }) => id)
}
