/**
 * Method and URL of every endpoint, below the API's base path, by its operationId in Neon's published
 * document. Apart from the schemas, so that a client need not load those.
 */
export const urls = {
  listProjects: 'GET /projects',
  listSharedProjects: 'GET /projects/shared',
  createProject: 'POST /projects',
  getProject: 'GET /projects/:project_id',
  updateProject: 'PATCH /projects/:project_id',
  deleteProject: 'DELETE /projects/:project_id',
  recoverProject: 'POST /projects/:project_id/recover',
  getAvailablePreloadLibraries: 'GET /projects/:project_id/available_preload_libraries',
  listProjectPermissions: 'GET /projects/:project_id/permissions',
  grantPermissionToProject: 'POST /projects/:project_id/permissions',
  getProjectLimits: 'GET /projects/:project_id/limits',
  getProjectJWKS: 'GET /projects/:project_id/jwks',
  addProjectJWKS: 'POST /projects/:project_id/jwks',
  deleteProjectJWKS: 'DELETE /projects/:project_id/jwks/:jwks_id',
  getConnectionURI: 'GET /projects/:project_id/connection_uri',
  listProjectBranches: 'GET /projects/:project_id/branches',
  countProjectBranches: 'GET /projects/:project_id/branches/count',
  createProjectBranch: 'POST /projects/:project_id/branches',
  getProjectBranch: 'GET /projects/:project_id/branches/:branch_id',
  updateProjectBranch: 'PATCH /projects/:project_id/branches/:branch_id',
  deleteProjectBranch: 'DELETE /projects/:project_id/branches/:branch_id',
  recoverProjectBranch: 'POST /projects/:project_id/branches/:branch_id/recover',
  setDefaultProjectBranch: 'POST /projects/:project_id/branches/:branch_id/set_as_default',
  restoreProjectBranch: 'POST /projects/:project_id/branches/:branch_id/restore',
  resetProjectBranchToParent: 'POST /projects/:project_id/branches/:branch_id/reset_to_parent',
  finalizeRestoreBranch: 'POST /projects/:project_id/branches/:branch_id/finalize_restore',
  getProjectBranchHistory: 'GET /projects/:project_id/branches/:branch_id/history',
  createSnapshot: 'POST /projects/:project_id/branches/:branch_id/snapshot',
  listSnapshots: 'GET /projects/:project_id/snapshots',
  updateSnapshot: 'PATCH /projects/:project_id/snapshots/:snapshot_id',
  deleteSnapshot: 'DELETE /projects/:project_id/snapshots/:snapshot_id',
  restoreSnapshot: 'POST /projects/:project_id/snapshots/:snapshot_id/restore',
  getSnapshotSchedule: 'GET /projects/:project_id/branches/:branch_id/backup_schedule',
  setSnapshotSchedule: 'PUT /projects/:project_id/branches/:branch_id/backup_schedule',
  createProjectBranchAnonymized: 'POST /projects/:project_id/branch_anonymized',
  getMaskingRules: 'GET /projects/:project_id/branches/:branch_id/masking_rules',
  updateMaskingRules: 'PATCH /projects/:project_id/branches/:branch_id/masking_rules',
  getAnonymizedBranchStatus: 'GET /projects/:project_id/branches/:branch_id/anonymized_status',
  startAnonymization: 'POST /projects/:project_id/branches/:branch_id/anonymize',
  getProjectBranchSchema: 'GET /projects/:project_id/branches/:branch_id/schema',
  queryProjectBranch: 'POST /projects/:project_id/branches/:branch_id/query',
  listSavedQueries: 'GET /projects/:project_id/saved_queries',
  createSavedQuery: 'POST /projects/:project_id/saved_queries',
  updateSavedQuery: 'PATCH /projects/:project_id/saved_queries/:saved_query_id',
  deleteSavedQuery: 'DELETE /projects/:project_id/saved_queries/:saved_query_id',
  getProjectBranchSchemaComparison: 'GET /projects/:project_id/branches/:branch_id/compare_schema',
  listProjectBranchEndpoints: 'GET /projects/:project_id/branches/:branch_id/endpoints',
  listProjectBranchDatabases: 'GET /projects/:project_id/branches/:branch_id/databases',
  createProjectBranchDatabase: 'POST /projects/:project_id/branches/:branch_id/databases',
  getProjectBranchDatabase:
    'GET /projects/:project_id/branches/:branch_id/databases/:database_name',
  updateProjectBranchDatabase:
    'PATCH /projects/:project_id/branches/:branch_id/databases/:database_name',
  deleteProjectBranchDatabase:
    'DELETE /projects/:project_id/branches/:branch_id/databases/:database_name',
  listProjectBranchRoles: 'GET /projects/:project_id/branches/:branch_id/roles',
  createProjectBranchRole: 'POST /projects/:project_id/branches/:branch_id/roles',
  getProjectBranchRole: 'GET /projects/:project_id/branches/:branch_id/roles/:role_name',
  deleteProjectBranchRole: 'DELETE /projects/:project_id/branches/:branch_id/roles/:role_name',
  getProjectBranchRolePassword:
    'GET /projects/:project_id/branches/:branch_id/roles/:role_name/reveal_password',
  resetProjectBranchRolePassword:
    'POST /projects/:project_id/branches/:branch_id/roles/:role_name/reset_password',
  listProjectEndpoints: 'GET /projects/:project_id/endpoints',
  createProjectEndpoint: 'POST /projects/:project_id/endpoints',
  getProjectEndpoint: 'GET /projects/:project_id/endpoints/:endpoint_id',
  updateProjectEndpoint: 'PATCH /projects/:project_id/endpoints/:endpoint_id',
  deleteProjectEndpoint: 'DELETE /projects/:project_id/endpoints/:endpoint_id',
  startProjectEndpoint: 'POST /projects/:project_id/endpoints/:endpoint_id/start',
  suspendProjectEndpoint: 'POST /projects/:project_id/endpoints/:endpoint_id/suspend',
  restartProjectEndpoint: 'POST /projects/:project_id/endpoints/:endpoint_id/restart',
  getProjectEndpointPooler: 'GET /projects/:project_id/endpoints/:endpoint_id/pooler',
  listProjectEndpointPoolerClients:
    'GET /projects/:project_id/endpoints/:endpoint_id/pooler/clients',
  getProjectEndpointAwake: 'GET /projects/:project_id/endpoints/:endpoint_id/awake',
  updateProjectEndpointAwake: 'PATCH /projects/:project_id/endpoints/:endpoint_id/awake',
  getProjectCost: 'GET /projects/:project_id/cost',
  getProjectCostHistory: 'GET /projects/:project_id/cost/history',
  listProjectComputes: 'GET /projects/:project_id/computes',
  createProjectCompute: 'POST /projects/:project_id/computes',
  updateProjectCompute: 'PATCH /projects/:project_id/computes/:compute_id',
  deleteProjectCompute: 'DELETE /projects/:project_id/computes/:compute_id',
  listProjectOperations: 'GET /projects/:project_id/operations',
  getProjectOperation: 'GET /projects/:project_id/operations/:operation_id',
  getConsumptionHistoryPerProject: 'GET /consumption_history/projects',
  getConsumptionHistoryPerProjectV2: 'GET /consumption_history/v2/projects',
  getConsumptionHistoryPerBranchV2: 'GET /consumption_history/v2/branches',
  queryProjectBranchLogs: 'POST /projects/:project_id/branches/:branch_id/logs/query',
  listProjectBranchLogFields: 'GET /projects/:project_id/branches/:branch_id/logs/fields',
  listProjectBranchLogFieldValues:
    'GET /projects/:project_id/branches/:branch_id/logs/fields/:field_name/values',
  getProjectBranchMetrics: 'GET /projects/:project_id/branches/:branch_id/metrics',
  listApiKeys: 'GET /api_keys',
  createApiKey: 'POST /api_keys',
  revokeApiKey: 'DELETE /api_keys/:key_id',
  getOrganization: 'GET /organizations/:org_id',
  listOrgApiKeys: 'GET /organizations/:org_id/api_keys',
  createOrgApiKey: 'POST /organizations/:org_id/api_keys',
  revokeOrgApiKey: 'DELETE /organizations/:org_id/api_keys/:key_id',
  getOrganizationMembers: 'GET /organizations/:org_id/members',
  getOrganizationMember: 'GET /organizations/:org_id/members/:member_id',
  getOrganizationInvitations: 'GET /organizations/:org_id/invitations',
  getCurrentUserInfo: 'GET /users/me',
  getCurrentUserOrganizations: 'GET /users/me/organizations',
  getAuthDetails: 'GET /auth',
  getActiveRegions: 'GET /regions',
  getCost: 'GET /cost',
  getPrices: 'GET /prices',
  updatePrices: 'PATCH /prices',
  getPlatformStatus: 'GET /platform/status',
  getPlatformMetrics: 'GET /platform/metrics',
  getPlatformPool: 'GET /platform/pool',
  getPlatformChecks: 'GET /platform/checks',
} as const

export type RouteName = keyof typeof urls

/** Where the API lives below its host. */
export const apiBasePath = '/api/v2'

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

/** The two halves of an entry. */
export function methodAndUrl(name: RouteName): { method: Method; url: string } {
  const [method, url] = urls[name].split(' ') as [Method, string]
  return { method, url }
}
