import { Type } from 'typebox'

import { EndpointAwake, EndpointAwakeUpdate } from '../awake.ts'
import { ConsumptionGranularity } from '../consumption.ts'
import { CostHistory, CostReport, PricesAnswer, PricesUpdate } from '../cost.ts'
import { Timestamp } from '../ids.ts'
import { EndpointPath, ProjectPath } from '../paths.ts'
import { route } from '../route.ts'

const tag = 'Consumption'

const AwakeAnswer = Type.Object({ awake: EndpointAwake })
const CostAnswer = Type.Object({ cost: CostReport })
const CostQuery = Type.Object({
  /** `2026-11`, in UTC; the running one unless given. */
  month: Type.Optional(Type.String({ maxLength: 7 })),
  /** What the shares are of; branches unless given. */
  by: Type.Optional(Type.Union([Type.Literal('branch'), Type.Literal('endpoint')])),
})

/** Coppice's own: why computes are awake, and what everything costs. None of these wakes a compute. */
export const costRoutes = {
  getProjectEndpointAwake: route('getProjectEndpointAwake', {
    summary: 'Get what keeps a compute awake, and when and why it woke and slept',
    tag: 'Endpoint',
    path: EndpointPath,
    query: Type.Object({
      limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    }),
    status: 200,
    response: AwakeAnswer,
  }),
  updateProjectEndpointAwake: route('updateProjectEndpointAwake', {
    summary: 'Say which applications neither wake a compute nor keep it awake',
    tag: 'Endpoint',
    path: EndpointPath,
    body: EndpointAwakeUpdate,
    status: 200,
    response: AwakeAnswer,
  }),
  getProjectCost: route('getProjectCost', {
    summary: 'Get what a project costs in a month, and advice',
    tag,
    path: ProjectPath,
    query: CostQuery,
    status: 200,
    response: CostAnswer,
  }),
  getProjectCostHistory: route('getProjectCostHistory', {
    summary: 'Get what a project has cost, by hour, day or month',
    tag,
    path: ProjectPath,
    query: Type.Object({ from: Timestamp, to: Timestamp, granularity: ConsumptionGranularity }),
    status: 200,
    response: Type.Object({ cost_history: CostHistory }),
  }),
  getCost: route('getCost', {
    summary: 'Get what all projects cost in a month, and advice',
    tag,
    query: CostQuery,
    status: 200,
    response: CostAnswer,
  }),
  getPrices: route('getPrices', {
    summary: 'Get the price list',
    tag,
    status: 200,
    response: PricesAnswer,
  }),
  updatePrices: route('updatePrices', {
    summary: 'Change the price list',
    tag,
    body: PricesUpdate,
    status: 200,
    response: PricesAnswer,
  }),
}
