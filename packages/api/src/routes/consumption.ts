import { Type } from 'typebox'

import {
  BranchConsumptionV2,
  ConsumptionGranularity,
  IdList,
  MetricList,
  ProjectConsumption,
  ProjectConsumptionV2,
} from '../consumption.ts'
import { Id, Timestamp } from '../ids.ts'
import { Cursor, CursorPagination } from '../paths.ts'
import { route } from '../route.ts'

const tag = 'Consumption'

const range = { from: Timestamp, to: Timestamp, granularity: ConsumptionGranularity }
const ProjectLimit = Type.Optional(Type.Integer({ minimum: 1, maximum: 100 }))

/** What was used, by time. None of these wakes a compute. */
export const consumptionRoutes = {
  getConsumptionHistoryPerProject: route('getConsumptionHistoryPerProject', {
    summary: 'Get what projects have used, by hour, day or month',
    tag,
    query: Type.Object({
      ...range,
      cursor: Cursor,
      limit: ProjectLimit,
      project_ids: Type.Optional(IdList),
      org_id: Type.Optional(Id),
      include_v1_metrics: Type.Optional(Type.Boolean()),
      metrics: Type.Optional(MetricList),
    }),
    status: 200,
    response: Type.Object({
      projects: Type.Array(ProjectConsumption),
      pagination: CursorPagination,
    }),
  }),
  getConsumptionHistoryPerProjectV2: route('getConsumptionHistoryPerProjectV2', {
    summary: 'Get metrics of projects, by hour, day or month',
    tag,
    query: Type.Object({
      ...range,
      cursor: Cursor,
      limit: ProjectLimit,
      project_ids: Type.Optional(IdList),
      org_id: Id,
      metrics: MetricList,
    }),
    status: 200,
    response: Type.Object({
      projects: Type.Array(ProjectConsumptionV2),
      pagination: CursorPagination,
    }),
  }),
  getConsumptionHistoryPerBranchV2: route('getConsumptionHistoryPerBranchV2', {
    summary: 'Get metrics of branches, by hour, day or month',
    tag,
    query: Type.Object({
      ...range,
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      project_ids: IdList,
      branch_ids: Type.Optional(IdList),
      org_id: Id,
      metrics: MetricList,
    }),
    status: 200,
    response: Type.Object({
      branches: Type.Array(BranchConsumptionV2),
      pagination: CursorPagination,
    }),
  }),
}
