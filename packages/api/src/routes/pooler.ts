import { Type } from 'typebox'

import { EndpointPath } from '../paths.ts'
import { Pooler, PoolerClient } from '../pooler.ts'
import { route } from '../route.ts'

const tag = 'Endpoint'

/** Coppice's own: what the pooler of an endpoint is doing. */
export const poolerRoutes = {
  getProjectEndpointPooler: route('getProjectEndpointPooler', {
    summary: 'Get the pools of an endpoint and the settings in force',
    tag,
    path: EndpointPath,
    status: 200,
    response: Type.Object({ pooler: Pooler }),
  }),
  listProjectEndpointPoolerClients: route('listProjectEndpointPoolerClients', {
    summary: 'List clients of the pools of an endpoint, those that wait and are pinned first',
    tag,
    path: EndpointPath,
    query: Type.Object({
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    }),
    status: 200,
    response: Type.Object({
      clients: Type.Array(PoolerClient),
      /** How many there are, listed or not. */
      total: Type.Integer({ minimum: 0 }),
    }),
  }),
}
