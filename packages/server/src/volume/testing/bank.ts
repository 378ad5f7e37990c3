import type postgres from 'postgres'

import type { Cleanup } from './cleanup.ts'
import type { Connect } from './cluster.ts'
import { until } from './poll.ts'

/** Accounts enough for a table and an index of some megabytes. */
const accounts = 100_000

/**
 * Tables in the manner of TPC-B, as pgbench has them: every transfer changes one row of each of three
 * tables by the same amount and records it in a fourth, so all four sums agree in any consistent state.
 */
export async function createBank(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    create extension amcheck;
    create table branches (id int primary key, balance bigint not null default 0);
    create table tellers (id int primary key, balance bigint not null default 0);
    create table accounts (id int primary key, balance bigint not null default 0, filler char(84));
    create table history (id bigserial primary key, amount bigint not null, at timestamptz default now());
    insert into branches (id) select generate_series(1, 10);
    insert into tellers (id) select generate_series(1, 100);
    insert into accounts (id) select generate_series(1, ${accounts});
    create procedure transfer_for_ever() language plpgsql as $$
    declare
      amount int;
      account int;
      teller int;
      branch int;
    begin
      loop
        amount := random() * 10000 - 5000;
        account := 1 + floor(random() * ${accounts});
        teller := 1 + floor(random() * 100);
        branch := 1 + floor(random() * 10);
        update accounts set balance = balance + amount where id = account;
        update tellers set balance = balance + amount where id = teller;
        update branches set balance = balance + amount where id = branch;
        insert into history (amount) values (amount);
        commit;
      end loop;
    end $$`)
}

/** Keeps a cluster writing as fast as it can until it is stopped by `cleanup`. */
export async function keepBusy(connect: Connect, cleanup: Cleanup): Promise<void> {
  const writers = Array.from({ length: 3 }, connect)
  const work = Promise.allSettled(writers.map(async (sql) => sql`call transfer_for_ever()`))
  cleanup.add(async () => {
    await Promise.all(writers.map(async (sql) => sql.end({ timeout: 0 })))
    await work
  })
  const sql = connect()
  cleanup.add(async () => sql.end({ timeout: 1 }))
  await until('transfers are made', async () => (await countTransfers(sql)) > 1000)
}

export async function countTransfers(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from history`
  return row?.count ?? 0
}

/** The sums of the four tables, which agree unless something was lost or torn. */
export async function readSums(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ sum: string }[]>`
    select sum(balance)::text as sum from accounts union all
    select sum(balance)::text from tellers union all
    select sum(balance)::text from branches union all
    select sum(amount)::text from history`
  return rows.map(({ sum }) => sum)
}

/** What amcheck finds wrong with any table; a damaged index rejects. */
export async function findCorruption(sql: postgres.Sql): Promise<string[]> {
  await sql`
    select bt_index_check(index.oid, true) from pg_class index
    join pg_am on pg_am.oid = index.relam
    where pg_am.amname = 'btree' and index.relkind = 'i' and index.relpersistence = 'p'`
  const rows = await sql<{ message: string }[]>`
    select relation.relname || ': ' || found.msg as message
    from pg_class relation, verify_heapam(relation.oid) found
    where relation.relkind in ('r', 'm') and relation.relpersistence = 'p'`
  return rows.map(({ message }) => message)
}
