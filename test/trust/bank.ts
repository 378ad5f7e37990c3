import type { Client } from 'pg'
import { expect } from 'vitest'

import type { TestPlatform } from '../platform.ts'
import type { RandomNumbers } from './random-numbers.ts'
import { connect, type Outcome, type Port, transact, withClient, Worker } from './session.ts'

/**
 * Money that is moved between accounts: its sum never changes, and each transfer leaves a row, from which
 * every balance can be computed anew. Its clients keep a ledger of their own of what they were told.
 */
const accounts = 20
const startBalance = 1000

export const bankSql = `
  CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
  CREATE TABLE transfers (
    id bigint PRIMARY KEY, source int NOT NULL, target int NOT NULL, amount bigint NOT NULL);
  INSERT INTO accounts SELECT n, ${startBalance} FROM generate_series(1, ${accounts}) n;`

export interface Transfer {
  id: number
  outcome: Outcome | 'under way'
  /** By `performance.now()`. */
  startMs: number
  endMs: number
}

/** What clients know of their transfers, wherever these were made. */
export class Ledger {
  readonly transfers = new Map<number, Transfer>()
  #nextId = 1

  begin(): Transfer {
    const id = this.#nextId++
    const startMs = performance.now()
    const transfer: Transfer = { id, outcome: 'under way', startMs, endMs: Infinity }
    this.transfers.set(id, transfer)
    return transfer
  }

  end(transfer: Transfer, outcome: Outcome): void {
    transfer.outcome = outcome
    transfer.endMs = performance.now()
  }

  /** What was told in this time was told in a world that has never been. */
  forget(fromMs: number, untilMs: number): void {
    for (const transfer of this.transfers.values()) {
      const isTold = transfer.outcome === 'committed'
      if (isTold && transfer.endMs >= fromMs && transfer.endMs <= untilMs) {
        transfer.outcome = 'unknown'
      }
    }
  }

  get acknowledged(): number[] {
    return [...this.transfers.values()]
      .filter(({ outcome }) => outcome === 'committed')
      .map(({ id }) => id)
  }
}

interface TellerOptions {
  platform: TestPlatform
  uri: string
  port: Port
  random: RandomNumbers
  ledger: Ledger
  /** Told of each transfer before it is made. */
  onBegun?: (transfer: Transfer) => void
  /** Told of each transfer that was acknowledged. */
  onAcknowledged?: (transfer: Transfer) => void
  pauseMs?: number
}

/** Makes transfers until it is stopped. */
export function startTeller(options: TellerOptions): Worker {
  const { platform, uri, port, random, ledger, pauseMs } = options
  return new Worker({
    ...(pauseMs !== undefined && { pauseMs }),
    connect: async () => connect(platform, uri, port),
    transact: async (client) => {
      const transfer = ledger.begin()
      options.onBegun?.(transfer)
      const { outcome, isUsable } = await transact(client, 'READ COMMITTED', async () =>
        move(client, transfer.id, random),
      )
      ledger.end(transfer, outcome)
      if (outcome === 'committed') options.onAcknowledged?.(transfer)
      return isUsable
    },
  })
}

async function move(client: Client, id: number, random: RandomNumbers): Promise<void> {
  const source = 1 + random.below(accounts)
  const target = 1 + ((source + random.below(accounts - 1)) % accounts)
  const amount = 1 + random.below(100)
  // In the order of their ids, so that two tellers do not wait for each other.
  const sides = [
    { account: source, change: -amount },
    { account: target, change: amount },
  ].toSorted((one, other) => one.account - other.account)
  for (const { account, change } of sides) {
    await client.query('UPDATE accounts SET balance = balance + $2 WHERE id = $1', [
      account,
      change,
    ])
  }
  await client.query('INSERT INTO transfers VALUES ($1, $2, $3, $4)', [id, source, target, amount])
}

/** The books of a branch: consistent in themselves, whatever its clients were told. Answers the transfers in it. */
export async function readBooks(platform: TestPlatform, uri: string): Promise<Set<number>> {
  return withClient(platform, uri, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows: wrong } = await client.query(`
      SELECT id, balance, ${startBalance}
        + coalesce((SELECT sum(amount) FROM transfers WHERE target = accounts.id), 0)
        - coalesce((SELECT sum(amount) FROM transfers WHERE source = accounts.id), 0) AS expected
      FROM accounts`)
    expect(wrong).toHaveLength(accounts)
    expect(wrong.filter(({ balance, expected }) => balance !== expected)).toEqual([])
    const { rows } = await client.query<{ id: string }>('SELECT id FROM transfers')
    await client.query('COMMIT')
    return new Set(rows.map(({ id }) => Number(id)))
  })
}

/** What a branch must hold and may not hold. */
export interface Bounds {
  /** Transfers that it had been told of before. */
  acknowledged: Iterable<number>
  /** Transfers that were begun on it only later; none where it is the branch itself that is looked at. */
  later?: (id: number) => boolean
}

/** Compares books with the ledger. Answers how many transfers were looked for. */
export function expectInBooks(found: ReadonlySet<number>, ledger: Ledger, bounds: Bounds): number {
  const acknowledged = [...bounds.acknowledged]
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
  const wrong = [...found].filter((id) => {
    const transfer = ledger.transfers.get(id)
    return transfer === undefined || transfer.outcome === 'aborted' || bounds.later?.(id) === true
  })
  expect(wrong).toEqual([])
  return acknowledged.length
}
