import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { run, startTestPlatform, type TestPlatform } from '../test/platform.ts'
import { firstQuery, pause, timed } from './client.ts'
import { fillDatabase, socketOf, startLoad } from './load.ts'
import { printHeading, printSummary } from './statistics.ts'

/**
 * From the API call that makes a branch to its first answered query, with the parent idle, at 500
 * transactions a second, and saturated, small and large; against `cp -a` of the same directory and a
 * start. `npm run bench:branch [-- --quick]`.
 */
const isQuick = process.argv.includes('--quick')
const scales = isQuick ? [7] : [7, 200]
const rounds = isQuick ? 12 : 20
const copyRounds = isQuick ? 1 : 3

const platform = await startTestPlatform({ poolSize: '30G' })
try {
  for (const scale of scales) await benchScale(scale)
  await benchFootprint()
} finally {
  await platform.remove()
}

async function benchScale(scale: number): Promise<void> {
  const made = await platform.client.createProject({
    body: {
      project: {
        name: `bench-${scale}`,
        default_endpoint_settings: { suspend_timeout_seconds: -1 },
      },
    },
  })
  const projectId = made.project.id
  const parent = made.endpoints[0]?.id ?? ''
  const socket = socketOf(platform, parent)
  await platform.client.startProjectEndpoint({
    path: { project_id: projectId, endpoint_id: parent },
  })
  await fillDatabase(socket, scale)
  for (const rate of [0, 500, 'saturated'] as const) {
    const load = rate === 0 ? undefined : startLoad(socket, rate)
    await pause(isQuick ? 4000 : 15_000)
    const label = `scale ${scale} (${scale * 15} MB), parent ${rate === 0 ? 'idle' : rate === 'saturated' ? rate : `${rate} tps`}`
    printHeading(label)
    await benchBranches(projectId)
    if (rate === 0) await benchCopy(made.branch.id)
    if (load) console.log(`parent made ${(await load.stop()).toFixed(0)} tps meanwhile`)
  }
  await platform.client.deleteProject({
    path: { project_id: projectId },
    query: { hard_delete: true },
  })
}

async function benchBranches(projectId: string): Promise<void> {
  const totals: number[] = []
  const calls: number[] = []
  const connects: number[] = []
  const logStart = (await readLog(platform)).length
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    const branch = await platform.client.createProjectBranch({
      path: { project_id: projectId },
      body: { endpoints: [{ type: 'read_write' }] },
    })
    calls.push(performance.now() - start)
    const uri = branch.connection_uris?.[0]?.connection_uri ?? ''
    connects.push(await timed(async () => firstQuery(platform, uri)))
    totals.push(performance.now() - start)
    await platform.client.deleteProjectBranch({
      path: { project_id: projectId, branch_id: branch.branch.id },
      query: { hard_delete: true },
    })
    await pause(500)
  }
  printSummary('API call to first query', totals)
  printSummary('  API call', calls)
  const log = (await readLog(platform)).slice(logStart)
  printPhase('    checkpoint of the parent', log, 'cloned', 'checkpoint_ms')
  printPhase('    clone of the volume', log, 'cloned', 'clone_ms')
  printSummary('  connect and first query', connects)
  printPhase('    start of the compute (beside)', log, 'active', 'ms')
}

interface LogLine {
  msg?: string
  [field: string]: unknown
}

async function readLog(from: TestPlatform): Promise<LogLine[]> {
  const text = await readFile(join(from.home, 'logs', 'daemon.log'), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine)
}

function printPhase(label: string, log: readonly LogLine[], message: string, field: string): void {
  const values = log.filter((line) => line.msg === message).map((line) => Number(line[field]))
  if (values.length > 0) printSummary(label, values)
}

/** What one would do without copy-on-write; the copy is of an idle cluster, so that it can start. */
async function benchCopy(branchId: string): Promise<void> {
  const volumes = join(platform.home, 'pool', 'volumes')
  const source = join(volumes, branchId, 'data', 'pgdata')
  const target = join(platform.home, 'pool', 'copy')
  const copies: number[] = []
  for (let round = 0; round < copyRounds; round++) {
    await run('sync', ['-f', volumes])
    copies.push(
      await timed(async () =>
        run('cp', ['-a', '--reflink=never', source, target], { timeout: 600_000 }),
      ),
    )
    await run('rm', ['-rf', target])
  }
  printSummary('cp -a of the directory (start not counted)', copies)
}

/** What an untouched branch costs on disk, and what an idle compute costs in memory. */
async function benchFootprint(): Promise<void> {
  const path = { project_id: platform.projectId }
  const { branch, endpoints, connection_uris } = await platform.client.createProjectBranch({
    path,
    body: { endpoints: [{ type: 'read_write' }] },
  })
  await firstQuery(platform, connection_uris?.[0]?.connection_uri ?? '')
  const endpoint_id = endpoints[0]?.id ?? ''
  const status = await platform.client.getPlatformStatus({})
  const compute = status.computes.find((one) => one.endpoint_id === endpoint_id)
  const started = await exclusiveMib(branch.id)
  await platform.client.suspendProjectEndpoint({ path: { ...path, endpoint_id } })
  const suspended = await exclusiveMib(branch.id)
  const untouched = await platform.client.createProjectBranch({ path, body: { endpoints: [] } })
  const rows: [string, number][] = [
    ['untouched branch, never started', await exclusiveMib(untouched.branch.id)],
    ['branch started, one query', started],
    ['the same, suspended', suspended],
    ['memory of its idle compute (PSS)', (compute?.memory_bytes ?? 0) / 1024 ** 2],
  ]
  console.log('\nfootprint, MiB')
  for (const [label, value] of rows)
    console.log(`${label.padEnd(44)}${value.toFixed(2).padStart(9)}`)
}

/** Bytes that only this branch holds, in MiB. */
async function exclusiveMib(branchId: string): Promise<number> {
  const volume = join(platform.home, 'pool', 'volumes', branchId, 'data')
  await run('sync', ['-f', volume])
  const output = await run('btrfs', ['filesystem', 'du', '-s', '--raw', volume])
  const [, bytes] = /\n\s*\d+\s+(\d+)/.exec(output) ?? []
  return Number(bytes) / 1024 ** 2
}
