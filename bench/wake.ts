import { startTestPlatform } from '../test/platform.ts'
import { firstQuery, pause, timed } from './client.ts'
import { printHeading, printSummary } from './statistics.ts'

/**
 * Connecting to a suspended compute: TLS, authentication, start, first query; against the same on one
 * that is awake, and on one that is frozen. `npm run bench:wake [-- --quick]`.
 */
const wakes = process.argv.includes('--quick') ? 20 : 200
/** Each waits some three seconds until the compute is frozen. */
const thaws = process.argv.includes('--quick') ? 5 : 40

const platform = await startTestPlatform({ poolSize: '4G', flags: ['--freeze-after', '2'] })
try {
  const path = { project_id: platform.projectId }
  const { endpoints } = await platform.client.listProjectEndpoints({ path })
  const endpoint = { ...path, endpoint_id: endpoints[0]?.id ?? '' }
  const asleep: number[] = []
  const awake: number[] = []
  const suspends: number[] = []
  for (let round = 0; round < wakes; round++) {
    suspends.push(
      await timed(async () => platform.client.suspendProjectEndpoint({ path: endpoint })),
    )
    asleep.push(await timed(async () => firstQuery(platform, platform.connectionUri)))
    awake.push(await timed(async () => firstQuery(platform, platform.connectionUri)))
  }
  printHeading('wake on connect')
  const slow = printSummary('connect to first query, suspended', asleep)
  const fast = printSummary('connect to first query, awake', awake)
  printSummary('suspend by API call', suspends)
  const status = await platform.client.getPlatformStatus({})
  if (status.limits.kind === 'none') console.log(`not frozen here: ${status.limits.detail}`)
  else await measureThaws(fast.p50)
  console.log(
    `\na wake adds ${(slow.p50 - fast.p50).toFixed(1)} ms at p50 (${(slow.p50 / fast.p50).toFixed(1)} times an awake connect)`,
  )
} finally {
  await platform.remove()
}

async function measureThaws(awakeMs: number): Promise<void> {
  const frozen: number[] = []
  const isFrozen = async (): Promise<boolean> =>
    (await platform.client.getPlatformStatus({})).computes.every((one) => one.frozen)
  for (let round = 0; round < thaws; round++) {
    while (!(await isFrozen())) await pause(100)
    frozen.push(await timed(async () => firstQuery(platform, platform.connectionUri)))
  }
  const { p50 } = printSummary('connect to first query, frozen', frozen)
  console.log(`\na thaw adds ${(p50 - awakeMs).toFixed(1)} ms at p50`)
}
