import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { run, startTestPlatform, until } from '../test/platform.ts'
import { firstQuery, pause, timed } from './client.ts'
import { fillDatabase, socketOf, startLoad } from './load.ts'
import { printHeading, printSummary } from './statistics.ts'
import { startSteadyWriter } from './steady-writer.ts'

/**
 * The past of a parent that writes 5 MB of WAL a second: from the API call to the first query of a branch of
 * a random moment, of a restore in place, of a connection to the moment; what keeping it costs the
 * writer and the disk; against a copied base backup and recovery by hand.
 * `npm run bench:history [-- --minutes 60]`.
 */
const minutesAt = process.argv.indexOf('--minutes')
const minutes = minutesAt < 0 ? 3 : Number(process.argv[minutesAt + 1])
const rounds = 20
const bytesPerSecond = 5 * 1024 ** 2

const platform = await startTestPlatform({ poolSize: '40G' })
const { client } = platform
try {
  const { project, branch, endpoints } = await client.createProject({
    body: {
      project: { name: 'history', default_endpoint_settings: { suspend_timeout_seconds: -1 } },
    },
  })
  const path = { project_id: project.id }
  const socket = socketOf(platform, endpoints[0]?.id ?? '')
  const began = Date.now()
  let ended = began
  const writer = await startSteadyWriter(socket, bytesPerSecond)
  await pause(minutes * 60_000)
  const random = (): string => {
    const ended = Date.now() - 1_000
    return new Date(began + 5_000 + Math.random() * (ended - began - 5_000)).toISOString()
  }
  for (const load of ['5 MB/s', 'idle'] as const) {
    if (load === 'idle') {
      await printKept(await writer.stop())
      ended = Date.now()
    }
    printHeading(`${minutes} min of history, parent ${load}`)
    await benchBranches(random)
    await benchRestores(random)
    await benchVisits(random)
  }
  await benchPeer(began, ended)
  await benchWriters()

  async function benchBranches(moment: () => string): Promise<void> {
    const logStart = (await readLog()).length
    const totals: number[] = []
    const calls: number[] = []
    for (let round = 0; round < rounds; round++) {
      const start = performance.now()
      const made = await client.createProjectBranch({
        path,
        body: {
          branch: { parent_id: branch.id, parent_timestamp: moment() },
          endpoints: [{ type: 'read_write' }],
        },
      })
      calls.push(performance.now() - start)
      await firstQuery(platform, made.connection_uris?.[0]?.connection_uri ?? '')
      totals.push(performance.now() - start)
      await client.deleteProjectBranch({
        path: { ...path, branch_id: made.branch.id },
        query: { hard_delete: true },
      })
    }
    printSummary('branch: API call to first query', totals)
    printSummary('  API call', calls)
    const log = (await readLog()).slice(logStart)
    printPhase('    WAL to replay, MB', log, 'prepared a moment', 'wal_bytes', 1024 ** 2)
    printPhase('    adding of the WAL', log, 'prepared a moment', 'wal_ms')
    printPhase('    clone of the snapshot', log, 'prepared a moment', 'clone_ms')
    printPhase('    start and replay', log, 'replayed', 'start_ms')
    printPhase('    roles and databases', log, 'replayed', 'work_ms')
    printPhase('    stop', log, 'replayed', 'stop_ms')
    printPhase('    start of the compute (beside)', log, 'active', 'ms')
  }

  /** Of a branch that is watched by a client which connects again and again. */
  async function benchRestores(moment: () => string): Promise<void> {
    const made = await client.createProjectBranch({
      path,
      body: { branch: { parent_id: branch.id }, endpoints: [{ type: 'read_write' }] },
    })
    const uri = made.connection_uris?.[0]?.connection_uri ?? ''
    await firstQuery(platform, uri)
    const totals: number[] = []
    const gaps: number[] = []
    for (let round = 0; round < rounds / 2; round++) {
      const watch = watchGaps(uri)
      const start = performance.now()
      await client.restoreProjectBranch({
        path: { ...path, branch_id: made.branch.id },
        body: {
          source_branch_id: branch.id,
          source_timestamp: moment(),
          preserve_under_name: `before ${round} ${Date.now()}`,
        },
      })
      await firstQuery(platform, uri)
      totals.push(performance.now() - start)
      gaps.push(await watch.stop())
    }
    printSummary('restore: API call to first query', totals)
    printSummary('  longest wait of a client meanwhile', gaps)
  }

  /** The moment in the place of an endpoint, as `neon connection-string main@<time>` writes it. */
  async function benchVisits(moment: () => string): Promise<void> {
    const totals: number[] = []
    for (let round = 0; round < rounds / 2; round++) {
      const { uri } = await client.getConnectionURI({
        path,
        query: { branch_id: branch.id, database_name: 'neondb', role_name: 'neondb_owner' },
      })
      const at = new URL(uri)
      const option = `neon_timestamp:${moment()}`
      const known = at.searchParams.get('options')
      if (known === null) at.host = at.host.replace(/^[^.]+/, branch.id)
      at.searchParams.set('options', known === null ? option : `endpoint=${branch.id} ${option}`)
      totals.push(await timed(async () => firstQuery(platform, at.href)))
      await until(
        async () => {
          const { computes } = await client.getPlatformStatus({})
          return computes.filter(({ branch_name }) => branch_name.includes('@')).length < 4
        },
        'moments are left again',
        120_000,
      )
    }
    printSummary('time travel: connect to first query', totals)
  }

  async function printKept(written: { bytes: number; seconds: number }): Promise<void> {
    const { history } = await client.getProjectBranchHistory({
      path: { ...path, branch_id: branch.id },
    })
    const perHour = (bytes: number) =>
      `${((bytes / written.seconds) * (3600 / 1024 ** 3)).toFixed(1)} GB an hour`
    console.log(
      [
        `\nwritten ${perHour(written.bytes)} of WAL`,
        `kept ${perHour(history.wal_bytes)} of WAL`,
        `${perHour(history.snapshot_bytes ?? 0)} of ${history.lines[0]?.snapshots.length ?? 0} snapshots, before they are thinned`,
      ].join(', '),
    )
  }

  /** The first snapshot as a base backup of when the writer began, copied and recovered by PostgreSQL itself. */
  /** Recovery by hand needs WAL that is later than its target. */
  async function benchPeer(from: number, to: number): Promise<void> {
    const pool = join(platform.home, 'pool')
    const store = join(platform.home, 'run', 'store')
    const oldest = `select id from line_snapshots where line = '${branch.id}' order by taken_at limit 1`
    const base = (
      await run('psql', ['-XAtqh', store, '-U', 'coppice', '-d', 'postgres', '-c', oldest])
    ).trim()
    const backup = join(pool, 'volumes', base, 'data', 'pgdata')
    printHeading('by hand: cp -a of a base backup, recovery, first query')
    for (const share of [0.1, 0.5, 0.9]) {
      const at = new Date(from + share * (to - from))
      const data = join(platform.home, 'peer')
      const copied = await timed(async () => run('cp', ['-a', '--reflink=never', backup, data]))
      const wal = join(platform.home, 'peer-wal')
      await cp(join(pool, 'wal', branch.id), wal, { recursive: true })
      await run('chown', ['-R', 'postgres', wal])
      const recovered = await timed(async () => recoverByHand(data, wal, at))
      const label = `${(share * minutes).toFixed(1)} min after the backup`
      printSummary(`${label}: copy`, [copied])
      printSummary(`${label}: recovery`, [recovered])
      await rm(data, { recursive: true, force: true })
      await rm(wal, { recursive: true, force: true })
    }
  }

  /** The same load with and without history, in turns. */
  async function benchWriters(): Promise<void> {
    console.log('\nTPC-B, 8 clients, 30 s in turns')
    for (const seconds of [0, 86_400, 0, 86_400]) {
      const made = await client.createProject({
        body: {
          project: {
            name: `load ${seconds}`,
            history_retention_seconds: seconds,
            default_endpoint_settings: { suspend_timeout_seconds: -1 },
          },
        },
      })
      const loaded = socketOf(platform, made.endpoints[0]?.id ?? '')
      await fillDatabase(loaded, 20)
      const load = startLoad(loaded, 'saturated')
      await pause(30_000)
      console.log(
        `${(seconds === 0 ? 'without history' : 'with history').padEnd(24)}${(await load.stop()).toFixed(0)} tps`,
      )
      await client.deleteProject({
        path: { project_id: made.project.id },
        query: { hard_delete: true },
      })
    }
  }
} finally {
  await platform.remove()
}

interface LogLine {
  msg?: string
  [field: string]: unknown
}

async function readLog(): Promise<LogLine[]> {
  const text = await readFile(join(platform.home, 'logs', 'daemon.log'), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine)
}

function printPhase(
  label: string,
  log: readonly LogLine[],
  message: string,
  field: string,
  unit = 1,
): void {
  const values = log
    .filter((line) => line.msg === message)
    .map((line) => Number(line[field]) / unit)
  if (values.length > 0) printSummary(label, values)
}

/** The longest that a client had to wait for a connection and an answer, in milliseconds. */
function watchGaps(uri: string): { stop(): Promise<number> } {
  let isStopped = false
  let longest = 0
  let last = performance.now()
  const watching = (async () => {
    while (!isStopped) {
      await firstQuery(platform, uri).then(
        () => {
          longest = Math.max(longest, performance.now() - last)
          last = performance.now()
        },
        () => undefined,
      )
      await pause(10)
    }
  })()
  return {
    stop: async () => {
      isStopped = true
      await watching
      return Math.max(longest, performance.now() - last)
    },
  }
}

async function recoverByHand(data: string, wal: string, at: Date): Promise<void> {
  const major = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  const versions = await readdir(join(platform.home, 'postgres'))
  const version = versions.find((name) => name.startsWith(`${major}.`)) ?? ''
  const bin = join(platform.home, 'postgres', version, 'bin')
  const settings = {
    listen_addresses: '',
    unix_socket_directories: data,
    restore_command: `cp ${wal}/%f %p`,
    recovery_target_time: at.toISOString().replace('Z', '+00'),
    recovery_target_action: 'promote',
    hba_file: join(data, 'peer_hba.conf'),
    max_worker_processes: '20',
    shared_buffers: '512MB',
    max_wal_size: '4GB',
  }
  const text = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
  await writeFile(join(data, 'postgresql.conf'), text.join(''))
  await writeFile(join(data, 'peer_hba.conf'), 'local all all trust\n')
  await writeFile(join(data, 'recovery.signal'), '')
  await run('chown', ['-R', 'postgres', data])
  const control = (...args: string[]) =>
    run('runuser', ['-u', 'postgres', '--', join(bin, 'pg_ctl'), '-D', data, ...args], {
      timeout: 600_000,
    })
  await control('-w', '-t', '600', '-l', join(data, 'log'), 'start')
  await run('psql', ['-XAtqh', data, '-U', 'cloud_admin', '-d', 'postgres', '-c', 'select 1'])
  await control('-m', 'immediate', 'stop')
}
