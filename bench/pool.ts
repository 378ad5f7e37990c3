import { pause } from './client.ts'
import { openIdleClients } from './pool/idle-clients.ts'
import { type Leg, type Peer, startLeg } from './pool/leg.ts'
import { fillDatabase, type Load, pgbench, type Protocol, type Result } from './pool/pgbench.ts'
import { ProcessUsage } from './pool/process-usage.ts'
import { sqlOverHttp, type SqlResult, sqlOverWire } from './pool/sql-over-http.ts'
import { percentile } from './statistics.ts'

/**
 * The pooled port against the system's PgBouncer, configured alike, and against PostgreSQL without any
 * pooler: pgbench in turns, and 10,000 clients that wait. `npm run bench:pool [-- --quick]`.
 *
 * All is on this machine, fsync off: the more of it PostgreSQL and pgbench need, the less is left to
 * tell poolers apart, which is what is asked for.
 */
const isQuick = process.argv.includes('--quick')
const scale = 10
const rounds = isQuick ? 1 : 3
const seconds = isQuick ? 1 : 2
const clientCounts = isQuick ? [1, 16, 64] : [1, 16, 64, 500]
const protocols: Protocol[] = isQuick ? ['simple', 'prepared'] : ['simple', 'extended', 'prepared']
/**
 * With the busy ones as many as `max_client_conn` lets in. With TLS fewer: each login takes this machine's
 * cores for milliseconds.
 */
const idleCounts = { plain: isQuick ? 2_000 : 9_950, tls: isQuick ? 300 : 2_000 }
const busyLoad: Load = { script: 'select 1', protocol: 'simple', clients: 50, seconds }

for (const isTls of [false, true]) {
  const leg = await startLeg(isTls)
  try {
    await fillDatabase(leg.direct, scale)
    console.log(
      `\n${isTls ? 'TLS and SCRAM' : 'no TLS, no password'}: PostgreSQL ${leg.served.postgresVersion}, ${leg.pgbouncerVersion}`,
    )
    await warmUp(leg)
    for (const load of loadsOf(isTls)) await compare(leg, load)
    await compareIdle(leg, isTls ? idleCounts.tls : idleCounts.plain)
    if (isTls) await compareSql(leg)
  } finally {
    await leg.stop()
  }
}

/** Code that runs often is compiled, server connections are open: as after the first seconds of a day. */
async function warmUp(leg: Leg): Promise<void> {
  const load: Load = { script: 'TPC-B', protocol: 'extended', clients: 16, seconds: 2 }
  for (const peer of [leg.direct, leg.coppice, leg.pgbouncer]) await pgbench(peer, load)
}

/** With TLS one protocol is enough: the bytes are the same. */
function loadsOf(isTls: boolean): Omit<Load, 'clients'>[] {
  const scripts = isQuick && isTls ? (['select 1'] as const) : (['select 1', 'TPC-B'] as const)
  const chosen: Protocol[] = isTls ? ['simple'] : protocols
  return scripts.flatMap((script) => chosen.map((protocol) => ({ script, protocol, seconds })))
}

/** Direct, Coppice, PgBouncer, direct, Coppice, … so that whatever else the machine does meets all. */
async function compare(leg: Leg, load: Omit<Load, 'clients'>): Promise<void> {
  printHeading(`${load.script}, ${load.protocol}`)
  for (const clients of clientCounts) {
    const peers = [leg.direct, leg.coppice, leg.pgbouncer].filter(
      ({ canPrepare }) => canPrepare || load.protocol !== 'prepared',
    )
    const results = new Map<Peer, Result[]>(peers.map((peer) => [peer, []]))
    for (let round = 0; round < rounds; round++) {
      for (const peer of peers) {
        results.get(peer)?.push(await pgbench(peer, { ...load, clients }))
      }
    }
    const medians = new Map([...results].map(([{ name }, all]) => [name, median(all)]))
    for (const [name, result] of medians) {
      printResult(`c=${clients} ${name}`, result, medians)
    }
    if (!medians.has('pgbouncer')) console.log(`${`c=${clients} pgbouncer`.padEnd(24)}      n/a`)
  }
}

function median(results: readonly Result[]): Result {
  const of = (name: keyof Result) =>
    percentile(
      results.map((result) => result[name]),
      0.5,
    )
  return {
    tps: of('tps'),
    p50: of('p50'),
    p95: of('p95'),
    p99: of('p99'),
    cpuPer10k: of('cpuPer10k'),
  }
}

function printHeading(text: string): void {
  const columns = ['tps', 'p50', 'p95', 'p99', 'cpu s/10k', '/pgbouncer', '/direct']
  console.log(`\n${text.padEnd(24)}${columns.map((name) => name.padStart(11)).join('')}`)
}

/** Latencies in ms, CPU seconds of the pooler for 10,000 queries, tps in proportion to the others'. */
function printResult(
  label: string,
  result: Result,
  medians: ReadonlyMap<Peer['name'], Result>,
): void {
  const ratio = (name: Peer['name']) => result.tps / (medians.get(name)?.tps ?? NaN)
  const cells = [
    result.tps.toFixed(0),
    result.p50.toFixed(3),
    result.p95.toFixed(3),
    result.p99.toFixed(3),
    show(result.cpuPer10k, 3),
    show(ratio('pgbouncer'), 2),
    show(ratio('direct'), 2),
  ]
  console.log(`${label.padEnd(24)}${cells.map((cell) => cell.padStart(11)).join('')}`)
}

function show(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits)
}

/** What a client that waits costs, and whether it costs those that work. */
async function compareIdle(leg: Leg, count: number): Promise<void> {
  console.log(`\n${count} idle clients, ${busyLoad.clients} busy ones`)
  for (const peer of [leg.coppice, leg.pgbouncer]) {
    const usage = new ProcessUsage(peer.processId ?? 0)
    const alone = await pgbench(peer, busyLoad)
    const before = await usage.residentBytes()
    const idle = await openIdleClients(leg, peer, count)
    // What logins have allocated goes with the next collection of garbage.
    await pause(2_000)
    const opened = await usage.residentBytes()
    const among = await pgbench(peer, busyLoad)
    const dropped = idle.dropped()
    const answering = await idle.answering()
    idle.close()
    console.log(
      [
        `${peer.name}: ${((opened - before) / count / 1024).toFixed(1)} KiB each (${mib(before)} to ${mib(opened)} MiB)`,
        `${dropped} dropped, ${answering} answer`,
        `p99 of the busy ${among.p99.toFixed(3)} ms (alone ${alone.p99.toFixed(3)})`,
        `${among.tps.toFixed(0)} tps (alone ${alone.tps.toFixed(0)})`,
      ].join('; '),
    )
  }
}

/** The same query by the serverless driver's way and by node-postgres, both from this process. */
async function compareSql(leg: Leg): Promise<void> {
  console.log('\nSQL over HTTP, select 1: requests a second, p50, p99 in ms')
  for (const clients of [1, 16]) {
    const results = new Map<string, SqlResult[]>([
      ['POST /sql', []],
      ['node-postgres, direct', []],
      ['node-postgres, pooled', []],
    ])
    for (let round = 0; round < rounds; round++) {
      const load = { clients, seconds }
      results.get('POST /sql')?.push(await sqlOverHttp(leg, load))
      results.get('node-postgres, direct')?.push(await sqlOverWire(leg, leg.direct, load))
      results.get('node-postgres, pooled')?.push(await sqlOverWire(leg, leg.coppice, load))
    }
    for (const [name, all] of results) {
      const of = (field: keyof SqlResult) =>
        percentile(
          all.map((one) => one[field]),
          0.5,
        )
      const cells = [of('perSecond').toFixed(0), of('p50').toFixed(3), of('p99').toFixed(3)]
      console.log(
        `c=${clients} ${name}`.padEnd(30) + cells.map((cell) => cell.padStart(11)).join(''),
      )
    }
  }
}

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0)
}
