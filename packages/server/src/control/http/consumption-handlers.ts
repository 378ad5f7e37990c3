import { AppError } from '../../lib/errors.ts'
import { requireOrganization } from '../account.ts'
import { consumptionRange } from '../consumption-range.ts'
import { consumptionByProject, metricsByBranch, metricsByProject } from '../consumption.ts'
import type { Context } from '../context.ts'
import type { Handlers } from './server.ts'

const defaultProjects = 10
const defaultBranches = 100
const maxIds = 100

export function consumptionHandlers(context: Context) {
  return {
    getConsumptionHistoryPerProject: async ({ query }) => {
      requireOrganization(query.org_id)
      const metrics =
        splitList('metrics', query.metrics) ??
        (query.include_v1_metrics === true ? ['data_storage_bytes_hour'] : undefined)
      const range = consumptionRange(query, new Date())
      const { items, cursor } = await consumptionByProject(
        context,
        range,
        projectPage(query),
        metrics,
      )
      return { projects: items, ...(cursor !== undefined && { pagination: { cursor } }) }
    },
    getConsumptionHistoryPerProjectV2: async ({ query }) => {
      requireOrganization(query.org_id)
      const metrics = splitList('metrics', query.metrics) ?? []
      const range = consumptionRange(query, new Date())
      const { items, cursor } = await metricsByProject(context, range, projectPage(query), metrics)
      return { projects: items, ...(cursor !== undefined && { pagination: { cursor } }) }
    },
    getConsumptionHistoryPerBranchV2: async ({ query }) => {
      requireOrganization(query.org_id)
      const limit = query.limit ?? defaultBranches
      const branches = await metricsByBranch(
        context,
        consumptionRange(query, new Date()),
        {
          limit,
          after: decodeBranchCursor(query.cursor),
          projectIds: splitList('project_ids', query.project_ids) ?? [],
          branchIds: splitList('branch_ids', query.branch_ids),
        },
        splitList('metrics', query.metrics) ?? [],
      )
      const last = branches.length === limit ? branches.at(-1) : undefined
      return {
        branches,
        ...(last && { pagination: { cursor: `${last.project_id}/${last.branch_id}` } }),
      }
    },
  } satisfies Partial<Handlers>
}

interface ProjectQuery {
  limit?: number
  cursor?: string
  project_ids?: string[]
}

function projectPage({ limit, cursor, project_ids }: ProjectQuery) {
  return {
    limit: limit ?? defaultProjects,
    cursor,
    projectIds: splitList('project_ids', project_ids),
  }
}

/** Several parameters, or one with commas; undefined where none has anything in it, which is all. */
function splitList(name: string, values: readonly string[] | undefined): string[] | undefined {
  const items = [...new Set(values?.flatMap((value) => value.split(',')))]
    .map((item) => item.trim())
    .filter((item) => item !== '')
  if (items.length > maxIds) {
    throw new AppError('invalid_request', `${name}: at most ${maxIds} can be named`)
  }
  return items.length === 0 ? undefined : items
}

function decodeBranchCursor(cursor: string | undefined) {
  if (cursor === undefined || cursor === '') return undefined
  const [projectId, branchId, ...rest] = cursor.split('/')
  if (projectId && branchId && rest.length === 0) return { projectId, branchId }
  throw new AppError('invalid_request', 'the cursor is not one that this list answered')
}
