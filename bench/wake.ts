import { startTestPlatform } from '../test/platform.ts'
import { firstQuery, timed } from './client.ts'
import { printHeading, printSummary } from './statistics.ts'

/**
 * Connecting to a suspended compute: TLS, authentication, start, first query; against the same on one
 * that is awake. `npm run bench:wake [-- --quick]`.
 */
const wakes = process.argv.includes('--quick') ? 20 : 200

const platform = await startTestPlatform({ poolSize: '4G' })
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
  console.log(
    `\na wake adds ${(slow.p50 - fast.p50).toFixed(1)} ms at p50 (${(slow.p50 / fast.p50).toFixed(1)} times an awake connect)`,
  )
} finally {
  await platform.remove()
}
