import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { run } from '../../test/platform.ts'
import { percentile } from '../statistics.ts'
import type { Peer } from './leg.ts'
import { ProcessUsage } from './process-usage.ts'

export type Protocol = 'simple' | 'extended' | 'prepared'

export interface Load {
  script: 'select 1' | 'TPC-B'
  protocol: Protocol
  clients: number
  seconds: number
}

/** Of one run. Latencies are of whole transactions, in milliseconds. */
export interface Result {
  tps: number
  p50: number
  p95: number
  p99: number
  /** CPU seconds of the pooler for 10,000 queries, logins not counted; NaN where there is none. */
  cpuPer10k: number
}

/** BEGIN and COMMIT count: a pooler has the same work with them. */
const queriesOf = { 'select 1': 1, 'TPC-B': 7 }
/** After its duration it waits for the last answers. */
const endTimeoutMs = 60_000

export async function fillDatabase(peer: Peer, scale: number): Promise<void> {
  await run('pgbench', ['-i', '-q', '-s', String(scale), peer.conninfo], { env: peer.env })
}

export async function pgbench(peer: Peer, load: Load): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'pgbench-'))
  const usage = peer.processId === undefined ? undefined : new ProcessUsage(peer.processId)
  try {
    await writeFile(join(directory, 'select-1'), 'select 1;\n')
    const script = load.script === 'TPC-B' ? ['-b', 'tpcb-like'] : ['-f', 'select-1']
    // Its clock runs while its clients log in.
    const duration = Math.ceil(load.seconds + (load.clients * peer.loginMs) / 1000)
    const counts = { '-c': load.clients, '-j': threads(load), '-T': duration }
    await usage?.start()
    const output = await run(
      'pgbench',
      [
        '-n',
        '-l',
        '-M',
        load.protocol,
        ...Object.entries(counts).flatMap(([flag, value]) => [flag, String(value)]),
        ...script,
        peer.conninfo,
      ],
      { cwd: directory, env: peer.env, timeout: duration * 1000 + endTimeoutMs },
    )
    await usage?.stop()
    return summarize(output, await readTransactions(directory), load, usage)
  } finally {
    await usage?.stop()
    await rm(directory, { recursive: true })
  }
}

/**
 * One thread: more would take the cores from what is measured. But where pgbench prepares, it stops all
 * clients of the thread until the answer is there; those in a transaction then keep the server
 * connection that the answer waits for.
 */
function threads({ script, protocol, clients }: Load): number {
  return script === 'TPC-B' && protocol === 'prepared' ? clients : 1
}

interface Transactions {
  latenciesMs: number[]
  /** Wall clock. */
  firstMs: number
  lastMs: number
}

function summarize(
  output: string,
  { latenciesMs, firstMs, lastMs }: Transactions,
  { script }: Load,
  usage: ProcessUsage | undefined,
): Result {
  const tps = Number(/tps = ([\d.]+)/.exec(output)?.[1])
  const failed = Number(/number of failed transactions: (\d+)/.exec(output)?.[1] ?? 0)
  if (!(tps > 0) || failed > 0) throw new Error(`pgbench has not carried out its load: ${output}`)
  const queries = latenciesMs.length * queriesOf[script]
  return {
    tps,
    p50: percentile(latenciesMs, 0.5),
    p95: percentile(latenciesMs, 0.95),
    p99: percentile(latenciesMs, 0.99),
    cpuPer10k: usage ? (usage.between(firstMs, lastMs) / queries) * 10_000 : NaN,
  }
}

/** Lines of `-l`: client, count, latency in µs, script, end in seconds, its µs (manual, "Per-Transaction Logging"). */
async function readTransactions(directory: string): Promise<Transactions> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('pgbench_log'))
  const transactions: Transactions = { latenciesMs: [], firstMs: Infinity, lastMs: 0 }
  for (const name of names) {
    const text = await readFile(join(directory, name), 'utf8')
    for (const line of text.trim().split('\n')) {
      const [, , latencyUs, , seconds, microseconds] = line.split(' ').map(Number)
      const endMs = (seconds ?? NaN) * 1000 + (microseconds ?? NaN) / 1000
      const latencyMs = (latencyUs ?? NaN) / 1000
      transactions.latenciesMs.push(latencyMs)
      transactions.firstMs = Math.min(transactions.firstMs, endMs - latencyMs)
      transactions.lastMs = Math.max(transactions.lastMs, endMs)
    }
  }
  return transactions
}
