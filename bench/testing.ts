import { createBranch } from '@coppice/testing'
import pg from 'pg'

import { run, startTestPlatform } from '../test/platform.ts'
import { timed } from './client.ts'
import { socketOf } from './load.ts'
import { printHeading, printSummary, type Summary } from './statistics.ts'

/**
 * A database of one's own for a test, to its first answered query: a branch by `@coppice/testing`, `CREATE
 * DATABASE … TEMPLATE` by either strategy, and the migrations once more, in turns on the same server.
 * `npm run bench:testing [-- --scale 1 --scale 200] [--rounds 20]`; a scale is 15 MB of pgbench.
 */
const scales = valuesOf('--scale').map(Number)
const [rounds = 20] = valuesOf('--rounds').map(Number)
/** What takes seconds is done less often. */
const slowRounds = Math.min(rounds, 3)
const slowMs = 3000
const superuser = 'cloud_admin'

const platform = await startTestPlatform({ poolSize: '40G' })
try {
  for (const scale of scales.length > 0 ? scales : [1, 200]) await benchScale(scale)
} finally {
  await platform.remove()
}

function valuesOf(flag: string): string[] {
  return process.argv.flatMap((word, at) =>
    process.argv[at - 1] === flag && word !== undefined ? [word] : [],
  )
}

async function benchScale(scale: number): Promise<void> {
  const { project, endpoints } = await platform.client.createProject({
    body: {
      project: {
        name: `bench-${scale}`,
        // The peers' WAL would fill the pool: a copy of 3 GB is as much of it.
        history_retention_seconds: 0,
        default_endpoint_settings: { suspend_timeout_seconds: -1 },
      },
    },
  })
  const endpoint = endpoints[0]?.id ?? ''
  await platform.client.startProjectEndpoint({
    path: { project_id: project.id, endpoint_id: endpoint },
  })
  const socket = socketOf(platform, endpoint)
  await pgbench(socket, 'neondb', scale)
  await sql(socket, 'postgres', 'create database template_of_tests template neondb')
  await sql(socket, 'postgres', 'checkpoint')
  const size = await sql(
    socket,
    'postgres',
    "select pg_size_pretty(pg_database_size('template_of_tests'))",
  )
  printHeading(`a database of ${size}, ms to its first query`)
  const branch = await measure('branch (@coppice/testing)', async () => benchBranch(project.id))
  const peers = [
    await measure('create database … template, wal_log', async () =>
      benchTemplate(socket, 'wal_log'),
    ),
    await measure('create database … template, file_copy', async () =>
      benchTemplate(socket, 'file_copy'),
    ),
    await measure('the migrations again (pgbench -i)', async () => benchMigrations(socket, scale)),
  ]
  for (const { label, summary } of peers) {
    const [p50, p95] = [summary.p50 / branch.summary.p50, summary.p95 / branch.summary.p95]
    console.log(`${label} / branch: p50 ${p50.toFixed(2)}, p95 ${p95.toFixed(2)}`)
  }
  await platform.client.deleteProject({
    path: { project_id: project.id },
    query: { hard_delete: true },
  })
}

interface Measured {
  label: string
  summary: Summary
}

/** Each round answers its time without what cleans up after it. */
async function measure(label: string, round: () => Promise<number>): Promise<Measured> {
  const times = [await round()]
  const count = (times[0] ?? 0) > slowMs ? slowRounds : rounds
  while (times.length < count) times.push(await round())
  return { label, summary: printSummary(label, times) }
}

async function benchBranch(project: string): Promise<number> {
  const start = performance.now()
  const branch = await createBranch({
    project,
    apiHost: platform.apiUrl,
    apiKey: platform.apiKey,
    caFile: platform.caFile,
  })
  const client = new pg.Client({ connectionString: branch.url })
  await client.connect()
  await client.query('select count(*) from pgbench_branches')
  const ms = performance.now() - start
  await client.end()
  await branch.delete()
  return ms
}

async function benchTemplate(socket: string, strategy: string): Promise<number> {
  const ms = await timed(async () => {
    await sql(
      socket,
      'postgres',
      `create database of_a_test template template_of_tests strategy ${strategy}`,
    )
    await sql(socket, 'of_a_test', 'select count(*) from pgbench_branches')
  })
  await dropDatabase(socket)
  return ms
}

async function benchMigrations(socket: string, scale: number): Promise<number> {
  const ms = await timed(async () => {
    await sql(socket, 'postgres', 'create database of_a_test')
    await pgbench(socket, 'of_a_test', scale)
    await sql(socket, 'of_a_test', 'select count(*) from pgbench_branches')
  })
  await dropDatabase(socket)
  return ms
}

async function dropDatabase(socket: string): Promise<void> {
  await sql(socket, 'postgres', 'drop database of_a_test')
  // So that no round pays for the one before.
  await sql(socket, 'postgres', 'checkpoint')
}

async function sql(socket: string, database: string, text: string): Promise<string> {
  const client = new pg.Client({ host: socket, user: superuser, database })
  await client.connect()
  try {
    const { rows } = await client.query<string[]>({ text, rowMode: 'array' })
    return rows[0]?.[0] ?? ''
  } finally {
    await client.end()
  }
}

async function pgbench(socket: string, database: string, scale: number): Promise<void> {
  await run('pgbench', ['-h', socket, '-U', superuser, '-i', '-q', '-s', String(scale), database], {
    timeout: 1_200_000,
  })
}
