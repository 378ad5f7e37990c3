import { readFileSync } from 'node:fs'

import pg from 'pg'

import { startTestPlatform, type TestPlatform } from '../test/platform.ts'
import { pause, timed } from './client.ts'
import { printHeading, printSummary, type Summary } from './statistics.ts'

/**
 * A quiet branch beside one whose queries would take the whole machine, with limits and without: how
 * long the quiet one's small queries take. `npm run bench:neighbour [-- --quick]`.
 */
const seconds = process.argv.includes('--quick') ? 10 : 60
const everyMs = 20
const runawaySessions = 8

printHeading('a small query of a quiet branch, ms')
const results = [await run('limits', []), await run('no limits', ['--limits', 'off'])]
for (const { label, alone, beside } of results) {
  const ratio = (share: keyof Summary) => (beside[share] / alone[share]).toFixed(1)
  console.log(`${label}: ${ratio('p50')} / ${ratio('p95')} / ${ratio('p99')} times (p50/p95/p99)`)
}

async function run(label: string, flags: string[]) {
  const platform = await startTestPlatform({ poolSize: '4G', flags })
  try {
    const quietUri = await createBranch(platform, 'quiet')
    const runawayUri = await createBranch(platform, 'runaway')
    const quiet = await connect(platform, quietUri)
    await quiet.query(
      'create table small as select id, id * 7 as value from generate_series(1, 1000) as id',
    )
    const alone = printSummary(`${label}, alone`, await measure(quiet))
    const runaways = await Promise.all(
      Array.from({ length: runawaySessions }, async () => connect(platform, runawayUri)),
    )
    const ends = runaways.map(async (client) =>
      client.query('select count(*) from generate_series(1, 1e12) as i').catch(() => undefined),
    )
    // Until they run, and their compute has grown to its limit.
    await pause(3_000)
    const beside = printSummary(`${label}, beside a runaway`, await measure(quiet))
    const { computes, limits } = await platform.client.getPlatformStatus({})
    const size = computes.find((one) => one.branch_name === 'runaway')?.compute_units
    console.log(`  (${limits.kind}; the runaway has ${size} CU)`)
    await quiet.end()
    for (const client of runaways) void client.end()
    const path = { project_id: platform.projectId, branch_id: 'runaway' }
    await platform.client.deleteProjectBranch({ path, query: {} })
    await Promise.all(ends)
    return { label, alone, beside }
  } finally {
    await platform.remove()
  }
}

async function createBranch(platform: TestPlatform, name: string): Promise<string> {
  const { connection_uris: uris = [] } = await platform.client.createProjectBranch({
    path: { project_id: platform.projectId },
    body: {
      branch: { name },
      endpoints: [
        { type: 'read_write', autoscaling_limit_min_cu: 0.25, autoscaling_limit_max_cu: 1 },
      ],
    },
  })
  return uris[0]?.connection_uri ?? ''
}

async function connect(platform: TestPlatform, uri: string): Promise<pg.Client> {
  const url = new URL(uri)
  // node-postgres would let sslmode overrule the CA below.
  for (const name of ['sslmode', 'channel_binding']) url.searchParams.delete(name)
  const ssl = { ca: readFileSync(platform.caFile, 'utf8') }
  const client = new pg.Client({ connectionString: url.href, ssl })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function measure(client: pg.Client): Promise<number[]> {
  const taken: number[] = []
  const endMs = performance.now() + seconds * 1000
  while (performance.now() < endMs) {
    taken.push(await timed(async () => client.query('select sum(value) from small')))
    await pause(everyMs)
  }
  return taken
}
