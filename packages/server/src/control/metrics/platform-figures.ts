import { freemem, loadavg, totalmem } from 'node:os'

import { type PlatformFigures, platformFigures } from '@coppice/api'

import type { Context } from '../context.ts'
import { countPlatform } from '../store/metrics.ts'
import { emptyFigures } from './figures.ts'

/** What the processes of the gateway take. */
export type GatewayFigures = Pick<PlatformFigures, 'gateway_sessions' | 'gateway_memory_bytes'>

/** The figures that are looked at; what is counted is the sampler's. */
export async function readPlatformFigures(
  { store, host, volumes, history }: Context,
  gateway: GatewayFigures,
): Promise<PlatformFigures> {
  const [counts, space, spool] = await Promise.all([
    countPlatform(store),
    volumes.space(),
    history.spool?.state(),
  ])
  const computes = host.list()
  return {
    ...emptyFigures(platformFigures),
    ...counts,
    ...gateway,
    computes: computes.length,
    computes_awake: computes.filter(({ state }) => state === 'active').length,
    daemon_memory_bytes: process.memoryUsage.rss(),
    pool_total_bytes: space.totalBytes,
    pool_used_bytes: space.totalBytes - space.freeBytes,
    wal_waiting_bytes: spool?.bytes ?? 0,
    host_load: loadavg()[0] ?? 0,
    host_memory_total_bytes: totalmem(),
    host_memory_used_bytes: totalmem() - freemem(),
  }
}
