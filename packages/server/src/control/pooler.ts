import type { Pooler, PoolerClient, PoolerPool } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { requireEndpoint } from './endpoints.ts'
import { poolerSettingsInForce } from './pooler-settings.ts'

/** Answers what the gateway's pools of one endpoint do at the moment. Never wakes its compute. */
export type PoolReport = (endpointId: string) => Promise<EndpointPools>

export interface EndpointPools {
  pools: PoolerPool[]
  clients: PoolerClient[]
}

/** The settings in force and the pools there are; none while nobody has used them for long. */
export async function getPooler(context: Context, projectId: string, id: string): Promise<Pooler> {
  const endpoint = await requireEndpoint(context, projectId, id)
  const { pools } = await report(context, id)
  const settings = poolerSettingsInForce(
    endpoint.project_pgbouncer_settings,
    endpoint.pgbouncer_settings,
  )
  return { endpoint_id: id, settings, pools }
}

/** At most so many of the clients, those first that somebody may wonder about. */
export async function listPoolerClients(
  context: Context,
  projectId: string,
  id: string,
  limit: number,
): Promise<{ clients: PoolerClient[]; total: number }> {
  await requireEndpoint(context, projectId, id)
  const { clients } = await report(context, id)
  const sorted = clients.toSorted((one, other) => rank(one) - rank(other) || one.id - other.id)
  return { clients: sorted.slice(0, limit), total: clients.length }
}

function rank({ state, pinned_because: reasons }: PoolerClient): number {
  if (state === 'waiting') return 0
  if (reasons.length > 0) return 1
  return state === 'active' ? 2 : 3
}

async function report({ poolReport }: Context, endpointId: string): Promise<EndpointPools> {
  if (poolReport !== undefined) return poolReport(endpointId)
  throw new AppError('not_available', 'no gateway runs here that could tell of its pools')
}
