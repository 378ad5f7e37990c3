import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'

import pg from 'pg'

import { startTestPlatform, until } from '../test/platform.ts'
import { firstQuery, pause, timed } from './client.ts'
import { fillDatabase, socketOf } from './load.ts'
import { printHeading, printSummary } from './statistics.ts'

/**
 * Many branches on one machine: how long they take to make, and what they cost asleep; how long pages of
 * all of them take; a hundred that wake at once, and a hundred that are awake with a trickle of queries.
 * `npm run bench:density [-- --quick]`, or with numbers of your own.
 */
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** How many are made, each with a compute. */
    branches: { type: 'string' },
    /** How many of them are woken at once, and stay awake. */
    active: { type: 'string' },
    /** How long these are asked, once a second each. */
    seconds: { type: 'string' },
    /** How many are made at the same time. */
    parallel: { type: 'string', default: '4' },
    /** Of the parent, in pgbench's units of 15 MB. */
    scale: { type: 'string', default: '7' },
  },
})
const branchCount = Number(values.branches ?? (values.quick ? 20 : 1000))
const activeCount = Number(values.active ?? (values.quick ? 5 : 100))
const activeSeconds = Number(values.seconds ?? (values.quick ? 20 : 120))
const idleSeconds = values.quick ? 10 : 30
/** While they are made, a branch sleeps again after so long. */
const shortTimeoutSeconds = 10
const mib = 1024 ** 2

interface Branch {
  id: string
  endpointId: string
  uri: string
}

const platform = await startTestPlatform({ poolSize: '60G' })
const { client } = platform
let project_id = ''
try {
  console.log(
    `load of the host before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  )
  const parentEndpoint = await makeProject()
  await fillDatabase(socketOf(platform, parentEndpoint), Number(values.scale))
  await client.suspendProjectEndpoint({ path: { project_id, endpoint_id: parentEndpoint } })
  await footprint('before')
  const branches = await makeBranches()
  await until(async () => (await awakeCount()) === 0, 'all sleep', 600_000)
  await footprint(`with ${branchCount} branches, all asleep`)
  await idle()
  await pages()
  const active = branches.slice(0, activeCount)
  await stayAwake(active)
  await storm(active)
  await trickle(active)
  console.log(
    `load of the host after: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  )
} finally {
  await platform.remove()
}

async function makeProject(): Promise<string> {
  const made = await client.createProject({
    body: {
      project: {
        name: 'density',
        default_endpoint_settings: { suspend_timeout_seconds: shortTimeoutSeconds },
      },
    },
  })
  project_id = made.project.id
  const endpoint_id = made.endpoints[0]?.id ?? ''
  await client.startProjectEndpoint({ path: { project_id, endpoint_id } })
  return endpoint_id
}

/** Each by one call, with a compute, which starts and goes to sleep again meanwhile. */
async function makeBranches(): Promise<Branch[]> {
  const made: Branch[] = []
  const calls: number[] = []
  const start = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < branchCount) {
      const name = `branch-${String(next++).padStart(4, '0')}`
      const began = performance.now()
      const { branch, endpoints, connection_uris } = await client.createProjectBranch({
        path: { project_id },
        body: { branch: { name }, endpoints: [{ type: 'read_write' }] },
      })
      calls.push(performance.now() - began)
      made.push({
        id: branch.id,
        endpointId: endpoints[0]?.id ?? '',
        uri: connection_uris?.[0]?.connection_uri ?? '',
      })
    }
  }
  await Promise.all(Array.from({ length: Number(values.parallel) }, worker))
  const seconds = (performance.now() - start) / 1000
  printHeading(
    `${branchCount} branches, ${values.parallel} at a time, ${seconds.toFixed(0)} s in all`,
  )
  printSummary('API call that makes one', calls)
  const part = Math.max(1, Math.floor(calls.length / 10))
  printSummary('  the first tenth', calls.slice(0, part))
  printSummary('  the last tenth', calls.slice(-part))
  return made
}

async function awakeCount(): Promise<number> {
  const { computes } = await client.getPlatformStatus({})
  return computes.filter((one) => one.project_id === project_id && one.current_state !== 'idle')
    .length
}

async function footprint(label: string): Promise<void> {
  const { pool, pid } = await client.getPlatformStatus({})
  const used = (pool.total_bytes - pool.free_bytes) / mib
  const { samples } = await client.getPlatformMetrics({ query: {} })
  const store = (samples.at(-1)?.store_bytes ?? 0) / mib
  console.log(
    `\n${label}: pool ${used.toFixed(0)} MiB used, daemon ${residentMib(pid).toFixed(0)} MiB, ` +
      `store ${store.toFixed(0)} MiB`,
  )
}

/** What the daemon and its children that are no computes take while nothing is asked of them. */
async function idle(): Promise<void> {
  const { pid } = await client.getPlatformStatus({})
  const before = cpuSeconds(pid)
  await pause(idleSeconds * 1000)
  const share = (cpuSeconds(pid) - before) / idleSeconds
  console.log(`daemon with nothing to do: ${(share * 100).toFixed(1)} % of a core`)
}

async function pages(): Promise<void> {
  printHeading('pages')
  const path = { project_id }
  const calls: [string, () => Promise<unknown>][] = [
    [
      'branches, limit 1000',
      async () => client.listProjectBranches({ path, query: { limit: 1000 } }),
    ],
    [
      'branches, limit 100',
      async () => client.listProjectBranches({ path, query: { limit: 100 } }),
    ],
    [
      'branches, search',
      async () => client.listProjectBranches({ path, query: { search: 'branch-0001' } }),
    ],
    ['branches, count', async () => client.countProjectBranches({ path, query: {} })],
    ['endpoints', async () => client.listProjectEndpoints({ path })],
    [
      'operations, limit 100',
      async () => client.listProjectOperations({ path, query: { limit: 100 } }),
    ],
    ['projects', async () => client.listProjects({ query: {} })],
    ['platform status', async () => client.getPlatformStatus({})],
  ]
  for (const [label, call] of calls) {
    await call()
    const times: number[] = []
    for (let round = 0; round < 10; round++) times.push(await timed(call))
    printSummary(label, times)
  }
}

async function stayAwake(branches: readonly Branch[]): Promise<void> {
  for (const { endpointId } of branches) {
    await client.updateProjectEndpoint({
      path: { project_id, endpoint_id: endpointId },
      body: { endpoint: { suspend_timeout_seconds: -1 } },
    })
  }
  await Promise.all(
    branches.map(async ({ endpointId }) =>
      client.suspendProjectEndpoint({ path: { project_id, endpoint_id: endpointId } }),
    ),
  )
}

async function storm(branches: readonly Branch[]): Promise<void> {
  const times: number[] = []
  let failures = 0
  const all = await timed(async () =>
    Promise.all(
      branches.map(async ({ uri }) => {
        try {
          times.push(await timed(async () => firstQuery(platform, uri)))
        } catch (error) {
          failures += 1
          console.log(String(error))
        }
      }),
    ),
  )
  printHeading(`${branches.length} that wake at once, ${(all / 1000).toFixed(1)} s in all`)
  printSummary('connect to first query', times)
  if (failures > 0) console.log(`${failures} FAILED`)
}

/** Each is asked once a second, on a connection that stays. */
async function trickle(branches: readonly Branch[]): Promise<void> {
  const { pid } = await client.getPlatformStatus({})
  const ca = readFileSync(platform.caFile, 'utf8')
  const clients = await Promise.all(
    branches.map(async ({ uri }) => {
      const url = new URL(uri)
      for (const name of ['sslmode', 'channel_binding']) url.searchParams.delete(name)
      const one = new pg.Client({ connectionString: url.href, ssl: { ca } })
      one.on('error', () => undefined)
      await one.connect()
      return one
    }),
  )
  const times: number[] = []
  const cpuBefore = cpuSeconds(pid)
  const began = performance.now()
  const end = began + activeSeconds * 1000
  const sampling = samplingSeconds()
  await Promise.all(
    clients.map(async (one, at) => {
      // Spread over the second.
      await pause((at * 1000) / clients.length)
      while (performance.now() < end) {
        const start = performance.now()
        await one.query('select count(*) from pgbench_tellers where bid = $1', [1 + (at % 7)])
        times.push(performance.now() - start)
        await pause(Math.max(0, 1000 - (performance.now() - start)))
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const cpu = (cpuSeconds(pid) - cpuBefore) / seconds
  printHeading(`${branches.length} awake, one query a second each, ${seconds.toFixed(0)} s`)
  printSummary('a query', times)
  const { computes } = await client.getPlatformStatus({})
  const memory = computes.map((one) => (one.memory_bytes ?? 0) / mib).filter((size) => size > 0)
  printSummary('memory of a compute (PSS), MiB', memory)
  const total = memory.reduce((sum, one) => sum + one, 0)
  const look = ((await samplingSeconds()) - (await sampling)) * 1000
  const looks = (seconds / 15) * branches.length
  console.log(
    `all computes ${total.toFixed(0)} MiB; daemon ${(cpu * 100).toFixed(1)} % of a core, ` +
      `${residentMib(pid).toFixed(0)} MiB; a sample of a compute ${(look / looks).toFixed(1)} ms elapsed`,
  )
  await footprint(`with ${branches.length} awake`)
  await Promise.all(clients.map(async (one) => one.end()))
}

/** As `/metrics` has it, which is up to a minute old. */
async function samplingSeconds(): Promise<number> {
  const answer = await fetch(new URL('/metrics', platform.apiUrl), {
    headers: { authorization: `Bearer ${platform.apiKey}` },
  })
  const found = /^coppice_platform_sampling_seconds_total ([\d.e+-]+)$/m.exec(await answer.text())
  return Number(found?.[1] ?? 0)
}

function residentMib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024
}

/** Of the process itself, in hundredths of a second as the kernel counts. */
function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
