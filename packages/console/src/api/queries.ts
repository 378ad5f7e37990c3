/**
 * What pages read. A key begins with the kind of thing, as the events of the platform name it, and the
 * project's id, so that an event makes exactly what it concerns be read anew (`events.ts`).
 */
import { ApiError } from '@coppice/api/client'
import { queryOptions } from '@tanstack/react-query'

import { api, getSession } from './client.ts'

export const sessionKey = ['session'] as const

/** More branches than a project has; one answer holds them all. */
const branchesMax = 10_000
/** A page; older ones are loaded when asked for. */
export const operationsPageSize = 100
/** Of one compute: as many as the API answers at once. */
export const ledgerPageSize = 1000

export const queries = {
  session: () => queryOptions({ queryKey: sessionKey, queryFn: getSession, staleTime: Infinity }),
  platform: () =>
    queryOptions({
      queryKey: ['platform'],
      queryFn: async () => api.getPlatformStatus({}),
      staleTime: 10_000,
    }),
  /** What takes the pool. */
  pool: () =>
    queryOptions({
      queryKey: ['platform', 'pool'],
      queryFn: async () => (await api.getPlatformPool({})).pool,
      staleTime: 10_000,
    }),
  /** Figures of the platform over the time for which they are kept. */
  platformMetrics: (days: number) =>
    queryOptions({
      queryKey: ['platform-metrics', days],
      queryFn: async () => {
        const from = new Date(Date.now() - days * 86_400_000).toISOString()
        return (await api.getPlatformMetrics({ query: { from } })).samples
      },
      refetchInterval: 60_000,
    }),
  prices: () => queryOptions({ queryKey: ['prices'], queryFn: async () => api.getPrices({}) }),
  /** Of a month such as `2026-11`, or of the running one. */
  cost: (project_id: string, month?: string, by: 'branch' | 'endpoint' = 'branch') =>
    queryOptions({
      queryKey: ['cost', project_id, month, by],
      queryFn: async () => {
        const query = { by, ...(month !== undefined && { month }) }
        return (await api.getProjectCost({ path: { project_id }, query })).cost
      },
      // Summed up every few seconds by the platform; looked at less often.
      refetchInterval: 60_000,
    }),
  costHistory: (project_id: string, granularity: 'daily' | 'monthly', from: Date, to: Date) =>
    queryOptions({
      queryKey: ['cost', project_id, 'history', granularity, from.getTime(), to.getTime()],
      queryFn: async () => {
        const query = { granularity, from: from.toISOString(), to: to.toISOString() }
        return (await api.getProjectCostHistory({ path: { project_id }, query })).cost_history
      },
      refetchInterval: 60_000,
    }),
  projects: () =>
    queryOptions({
      queryKey: ['projects'],
      queryFn: async () => (await api.listProjects({ query: { limit: 400 } })).projects,
    }),
  /** Deleted ones that can be brought back. */
  deletedProjects: () =>
    queryOptions({
      queryKey: ['projects', 'deleted'],
      queryFn: async () =>
        (await api.listProjects({ query: { limit: 400, recoverable: true } })).projects,
    }),
  project: (project_id: string) =>
    queryOptions({
      queryKey: ['projects', project_id],
      queryFn: async () => (await api.getProject({ path: { project_id } })).project,
    }),
  branches: (project_id: string) =>
    queryOptions({
      queryKey: ['branches', project_id],
      queryFn: async () =>
        (await api.listProjectBranches({ path: { project_id }, query: { limit: branchesMax } }))
          .branches,
    }),
  /** Deleted ones that can be brought back. */
  deletedBranches: (project_id: string) =>
    queryOptions({
      queryKey: ['branches', project_id, 'deleted'],
      queryFn: async () => {
        const query = { limit: branchesMax, include_deleted: true }
        const { branches } = await api.listProjectBranches({ path: { project_id }, query })
        return branches.filter((branch) => branch.recovery !== undefined)
      },
    }),
  branch: (project_id: string, branch_id: string) =>
    queryOptions({
      queryKey: ['branches', project_id, branch_id],
      queryFn: async () => (await api.getProjectBranch({ path: { project_id, branch_id } })).branch,
    }),
  branchHistory: (project_id: string, branch_id: string) =>
    queryOptions({
      queryKey: ['branches', project_id, branch_id, 'history'],
      queryFn: async () =>
        (await api.getProjectBranchHistory({ path: { project_id, branch_id } })).history,
    }),
  endpoints: (project_id: string) =>
    queryOptions({
      queryKey: ['endpoints', project_id],
      queryFn: async () => (await api.listProjectEndpoints({ path: { project_id } })).endpoints,
    }),
  roles: (project_id: string, branch_id: string) =>
    queryOptions({
      queryKey: ['roles', project_id, branch_id],
      queryFn: async () =>
        (await api.listProjectBranchRoles({ path: { project_id, branch_id } })).roles,
    }),
  databases: (project_id: string, branch_id: string) =>
    queryOptions({
      queryKey: ['databases', project_id, branch_id],
      queryFn: async () =>
        (await api.listProjectBranchDatabases({ path: { project_id, branch_id } })).databases,
    }),
  operations: (project_id: string) =>
    queryOptions({
      queryKey: ['operations', project_id],
      queryFn: async () =>
        (
          await api.listProjectOperations({
            path: { project_id },
            query: { limit: operationsPageSize },
          })
        ).operations,
    }),
  savedQueries: (project_id: string) =>
    queryOptions({
      queryKey: ['saved_queries', project_id],
      queryFn: async () =>
        (await api.listSavedQueries({ path: { project_id }, query: {} })).saved_queries,
    }),
  snapshots: (project_id: string) =>
    queryOptions({
      queryKey: ['snapshots', project_id],
      queryFn: async () => (await api.listSnapshots({ path: { project_id } })).snapshots,
    }),
  /** The ledger of a database. It is in the branch: who reads it wakes it, so nobody does unasked. */
  migrations: (project_id: string, branch_id: string, db_name: string) =>
    queryOptions({
      queryKey: ['migrations', project_id, branch_id, db_name],
      queryFn: async () =>
        api.listMigrations({ path: { project_id, branch_id }, query: { db_name } }),
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
    }),
  rehearsals: (project_id: string) =>
    queryOptions({
      queryKey: ['rehearsals', project_id],
      queryFn: async () => (await api.listRehearsals({ path: { project_id } })).rehearsals,
    }),
  /** A report does not change. */
  rehearsal: (project_id: string, rehearsal_id: string) =>
    queryOptions({
      queryKey: ['rehearsals', project_id, rehearsal_id],
      queryFn: async () =>
        (await api.getRehearsal({ path: { project_id, rehearsal_id } })).rehearsal,
      staleTime: Infinity,
    }),
  /** The schema of a database on two branches, as scripts. Wakes both, so nobody asks unasked. */
  schemaComparison: (project_id: string, place: ComparedSchemas) =>
    queryOptions({
      queryKey: ['schema-comparison', project_id, place],
      queryFn: async () => readComparison(project_id, place),
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
    }),
  snapshotSchedule: (project_id: string, branch_id: string) =>
    queryOptions({
      queryKey: ['snapshots', project_id, branch_id, 'schedule'],
      queryFn: async () =>
        (await api.getSnapshotSchedule({ path: { project_id, branch_id } })).schedule,
    }),
  /** What keeps a compute awake, and its ledger. Wakes nothing. */
  endpointAwake: (project_id: string, endpoint_id: string) =>
    queryOptions({
      queryKey: ['endpoints', project_id, endpoint_id, 'awake'],
      queryFn: async () =>
        (
          await api.getProjectEndpointAwake({
            path: { project_id, endpoint_id },
            query: { limit: ledgerPageSize },
          })
        ).awake,
      // Who is connected changes without an event.
      refetchInterval: 15_000,
    }),
}

/** Two branches, by id, and a database that both may have. */
export interface ComparedSchemas {
  base: string
  branch: string
  database: string
}

async function readComparison(
  project_id: string,
  { base, branch, database }: ComparedSchemas,
): Promise<{ base: string; branch: string }> {
  const read = async (branch_id: string): Promise<string> => {
    const query = { db_name: database }
    const answer = api.getProjectBranchSchema({ path: { project_id, branch_id }, query })
    return (await answer).sql ?? ''
  }
  const ofBase = read(base).catch((error: unknown) => {
    // Compared with nothing, everything is new.
    if (error instanceof ApiError && error.code === 'database_not_found') return ''
    throw error
  })
  const [one, other] = await Promise.all([ofBase, read(branch)])
  return { base: one, branch: other }
}
