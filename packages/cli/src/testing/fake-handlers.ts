import type {
  Branch,
  BranchCreate,
  BranchUpdate,
  ConnectionDetails,
  Endpoint,
  EndpointAwake,
  EndpointCreate,
  EndpointUpdate,
  ErrorCode,
  Operation,
  PricesUpdate,
  Project,
  ProjectCreate,
  ProjectUpdate,
  SharedCompute,
  SharedComputeCreate,
  SharedComputeUpdate,
} from '@coppice/api'

import {
  addBranch,
  addDatabase,
  addEndpoint,
  makeCompute,
  addProject,
  addRole,
  type World,
} from './fake-world.ts'

/** An error of the API's table. */
export class FakeError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface Input {
  path: Record<string, string>
  query: Record<string, string>
  body: unknown
}
export type Handler = (input: Input) => unknown

export const password = "p@ss w:rd/%'$"
const deletedAt = '2026-01-02T00:00:00Z'
const recoverableUntil = '2030-01-09T00:00:00Z'

/** The handlers of the routes that the CLI calls, by the name of the route. */
export function createHandlers(world: World): Record<string, Handler | undefined> {
  return {
    ...projectHandlers(world),
    ...branchHandlers(world),
    ...endpointHandlers(world),
    ...catalogHandlers(world),
    ...accountHandlers(world),
  }
}

function projectHandlers(world: World): Record<string, Handler> {
  const withDatabases = (project: Project): Project => ({
    ...project,
    databases: world.databases
      .filter(({ branch_id: id }) => branchesOf(world, project.id).some((one) => one.id === id))
      .map(({ name, branch_id, size_bytes }) => ({ name, branch_id, size_bytes: size_bytes ?? 0 })),
  })
  return {
    listProjects({ query }) {
      const wantsDeleted = query['recoverable'] === 'true'
      const all = world.projects.filter(
        (project) => (project.deleted_at !== undefined) === wantsDeleted,
      )
      const start = Number(query['cursor'] ?? 0)
      const end = start + Number(query['limit'] ?? 10)
      return {
        projects: all.slice(start, end).map(withDatabases),
        pagination: end < all.length ? { cursor: String(end) } : {},
        applications: {},
        integrations: {},
      }
    },
    listSharedProjects: () => ({ projects: [], pagination: {} }),
    createProject({ body }) {
      const { project: wanted } = body as ProjectCreate
      const id = `quiet-sea-${String(world.projects.length + 1).padStart(8, '0')}`
      const project = addProject(world, id, wanted.name ?? id)
      const branch = branchOf(world, { project_id: id, branch_id: 'main' })
      const endpoint = addEndpoint(world, branch, { type: 'read_write' })
      const uris = [connectionDetails(endpoint)]
      return {
        project,
        connection_uris: uris,
        roles: [],
        databases: [],
        operations: [],
        branch,
        endpoints: [endpoint],
      }
    },
    getProject: ({ path }) => ({ project: projectOf(world, path) }),
    updateProject({ path, body }) {
      const { project: changes } = body as ProjectUpdate
      const before = projectOf(world, path)
      const project = Object.assign(before, changes, {
        settings: { ...before.settings, ...changes.settings },
      })
      const [branch] = branchesOf(world, project.id)
      const restarts = changes.settings?.enable_logical_replication === true && branch
      return { project, operations: restarts ? [makeOperation(branch, 'start_compute')] : [] }
    },
    deleteProject({ path, query }) {
      const project = projectOf(world, path)
      const end = query['hard_delete'] === 'true' ? {} : { recoverable_until: recoverableUntil }
      return { project: Object.assign(project, { deleted_at: deletedAt, ...end }) }
    },
    recoverProject: ({ path }) => ({ project: projectOf(world, path) }),
    getConnectionURI({ path, query }) {
      const branchId = query['branch_id'] ?? 'main'
      const branch = branchOf(world, { ...path, branch_id: branchId })
      const endpoint =
        endpointsOf(world, branch).find((one) => one.id === query['endpoint_id']) ??
        endpointsOf(world, branch)[0]
      if (!endpoint) throw new FakeError('endpoint_not_found', `${branch.name} has no endpoint`)
      const uri = uriOf(endpoint, {
        role: query['role_name'] ?? '',
        database: query['database_name'] ?? '',
        pooled: query['pooled'] === 'true',
      })
      return { uri }
    },
  }
}

function branchHandlers(world: World): Record<string, Handler> {
  return {
    listProjectBranches({ path, query }) {
      const branches = branchesOf(world, path['project_id'] ?? '').filter(
        (branch) => !branch.recovery || query['include_deleted'] === 'true',
      )
      const annotations = Object.fromEntries(
        Object.entries(world.annotations).map(([id, value]) => [
          id,
          { object: { type: 'console/branch', id }, value },
        ]),
      )
      return { branches, annotations, pagination: { sort_by: 'name', sort_order: 'asc' } }
    },
    createProjectBranch({ path, body }) {
      const { branch: wanted = {}, endpoints = [], annotation_value: note } = body as BranchCreate
      const projectId = path['project_id'] ?? ''
      const name = wanted.name ?? 'br-generated-name'
      if (branchesOf(world, projectId).some((branch) => branch.name === name)) {
        throw new FakeError('branch_exists', `branch ${name} already exists`)
      }
      const parentId = wanted.parent_id ?? branchOf(world, { ...path, branch_id: 'main' }).id
      const branch = addBranch(world, projectId, {
        name,
        parentId,
        expiresAt: wanted.expires_at ?? undefined,
        isProtected: wanted.protected ?? false,
      })
      if (note) world.annotations[branch.id] = note
      const made = endpoints.map((endpoint) => addEndpoint(world, branch, endpoint))
      return {
        branch,
        endpoints: made,
        operations: [makeOperation(branch)],
        roles: [],
        databases: [],
        connection_uris: made.map(connectionDetails),
      }
    },
    getProjectBranch: ({ path }) => ({ branch: branchOf(world, path) }),
    updateProjectBranch({ path, body }) {
      const branch = branchOf(world, path)
      const { expires_at: expiresAt, ...changes } = (body as BranchUpdate).branch
      if (expiresAt === null) delete branch.expires_at
      else if (expiresAt !== undefined) branch.expires_at = expiresAt
      return { branch: Object.assign(branch, changes), operations: [] }
    },
    deleteProjectBranch({ path, query }) {
      const branch = branchOf(world, path)
      const recovery = {
        deleted_at: deletedAt,
        recoverable_until: recoverableUntil,
        deletion_method: 'user',
      }
      const end = query['hard_delete'] === 'true' ? {} : { recovery }
      world.branches = world.branches.filter((one) => one !== branch)
      return { branch: { ...branch, ...end }, operations: [] }
    },
    recoverProjectBranch: ({ path }) => ({ branch: branchOf(world, path), operations: [] }),
    setDefaultProjectBranch: ({ path }) => ({ branch: branchOf(world, path), operations: [] }),
    listProjectOperations: () => ({ operations: world.operations, pagination: {} }),
    listProjectBranchEndpoints: ({ path }) => ({
      endpoints: endpointsOf(world, branchOf(world, path)),
    }),
  }
}

function endpointHandlers(world: World): Record<string, Handler> {
  const endpointOf = (path: Record<string, string>): Endpoint => {
    const endpoint = world.endpoints.find((one) => one.id === path['endpoint_id'])
    if (!endpoint) throw new FakeError('endpoint_not_found', 'endpoint does not exist')
    return endpoint
  }
  const answer = (path: Record<string, string>, changes: Partial<Endpoint>) => ({
    endpoint: Object.assign(endpointOf(path), changes),
    operations: [],
  })
  return {
    listProjectEndpoints: () => ({ endpoints: world.endpoints }),
    createProjectEndpoint({ body }) {
      const { endpoint: wanted } = body as EndpointCreate
      const branch = world.branches.find((one) => one.id === wanted.branch_id)
      if (!branch) throw new FakeError('branch_not_found', 'branch does not exist')
      return { endpoint: addEndpoint(world, branch, wanted), operations: [] }
    },
    getProjectEndpoint: ({ path }) => answer(path, {}),
    startProjectEndpoint: ({ path }) => answer(path, { current_state: 'active' }),
    suspendProjectEndpoint: ({ path }) => answer(path, { current_state: 'idle' }),
    restartProjectEndpoint: ({ path }) => answer(path, {}),
    updateProjectEndpoint({ path, body }) {
      const { settings: _, compute_id: shared, ...changes } = (body as EndpointUpdate).endpoint
      return answer(path, {
        ...changes,
        ...(shared && { compute_id: shared, compute_name: shared }),
      })
    },
    deleteProjectEndpoint: ({ path }) => answer(path, {}),
    listProjectComputes: () => ({ computes: world.computes }),
    createProjectCompute({ path, body }) {
      const compute = makeCompute(path['project_id'] ?? '', (body as SharedComputeCreate).compute)
      world.computes.push(compute)
      return { compute }
    },
    updateProjectCompute({ path, body }) {
      const { compute: changes } = body as SharedComputeUpdate
      return { compute: Object.assign(computeOf(world, path), changes) }
    },
    deleteProjectCompute({ path }) {
      const compute = computeOf(world, path)
      world.computes.splice(world.computes.indexOf(compute), 1)
      return { compute }
    },
    getProjectEndpointPooler: ({ path }) => ({
      pooler: {
        endpoint_id: endpointOf(path).id,
        settings: { pool_mode: 'transaction', default_pool_size: 25, session_state: 'pin' },
        pools: world.pools,
      },
    }),
    getProjectEndpointAwake: ({ path }) => ({ awake: awakeOf(world, endpointOf(path)) }),
    updateProjectEndpointAwake: ({ path, body }) => {
      world.quietApplications = (body as { quiet_applications: string[] }).quiet_applications
      return { awake: awakeOf(world, endpointOf(path)) }
    },
    getCost: () => ({ cost: world.cost }),
    getProjectCost: () => ({ cost: world.cost }),
    getPrices: () => world.prices,
    updatePrices: ({ body }) => {
      const { prices = {} } = body as PricesUpdate
      world.prices = { preset: 'custom', prices: { ...world.prices.prices, ...prices } }
      return world.prices
    },
    listProjectEndpointPoolerClients: ({ query }) => ({
      clients: world.poolerClients.slice(0, Number(query['limit'])),
      total: world.poolerClients.length,
    }),
    getProjectBranchMetrics: ({ path, query }) => ({
      ...rangeOf(query),
      endpoints: world.endpoints
        .filter((endpoint) => endpoint.branch_id === branchOf(world, path).id)
        .map(({ id, type }) => ({ endpoint_id: id, type, samples: world.computeSamples })),
    }),
    getPlatformMetrics: ({ query }) => ({ ...rangeOf(query), samples: world.platformSamples }),
  }
}

const rangeOf = (query: Record<string, string>) => ({
  from: query['from'],
  to: query['to'],
  step_seconds: Number(query['step'] ?? 30),
})

function catalogHandlers(world: World): Record<string, Handler> {
  const rolesOf = (path: Record<string, string>) =>
    world.roles.filter((role) => role.branch_id === branchOf(world, path).id)
  const databasesOf = (path: Record<string, string>) =>
    world.databases.filter((database) => database.branch_id === branchOf(world, path).id)
  const named = <T extends { name: string }>(
    all: readonly T[],
    name: string | undefined,
    code: 'role_not_found' | 'database_not_found',
  ): T => {
    const found = all.find((one) => one.name === name)
    if (found === undefined) throw new FakeError(code, `${name} does not exist`)
    return found
  }
  const roleOf = (path: Record<string, string>) =>
    named(rolesOf(path), path['role_name'], 'role_not_found')
  return {
    listProjectBranchRoles: ({ path }) => ({ roles: rolesOf(path) }),
    createProjectBranchRole({ path, body }) {
      const { role } = body as { role: { name: string } }
      const created = addRole(world, branchOf(world, path).id, role.name)
      return { role: { ...created, password }, operations: [] }
    },
    deleteProjectBranchRole: ({ path }) => ({ role: roleOf(path), operations: [] }),
    resetProjectBranchRolePassword: ({ path }) => ({
      role: { ...roleOf(path), password },
      operations: [],
    }),
    listProjectBranchDatabases: ({ path }) => ({ databases: databasesOf(path) }),
    createProjectBranchDatabase({ path, body }) {
      const { database } = body as { database: { name: string; owner_name: string } }
      const branchId = branchOf(world, path).id
      const created = addDatabase(world, branchId, database.name, database.owner_name)
      return { database: created, operations: [] }
    },
    deleteProjectBranchDatabase: ({ path }) => ({
      database: named(databasesOf(path), path['database_name'], 'database_not_found'),
      operations: [],
    }),
  }
}

function accountHandlers(world: World): Record<string, Handler> {
  const at = '2026-01-01T00:00:00Z'
  return {
    getCurrentUserInfo: () => ({ login: 'admin', name: 'Admin', last_name: '', email: 'a@b.c' }),
    getCurrentUserOrganizations: () => ({ organizations: [{ id: 'org-local', name: 'Local' }] }),
    listApiKeys: () =>
      world.keys.map((key) => ({
        ...key,
        created_at: at,
        created_by: { id: 'u', name: 'admin', image: '' },
        last_used_from_addr: '',
      })),
    createApiKey({ body }) {
      const { key_name: name } = body as { key_name: string }
      const created = { id: world.keys.length + 1, name }
      world.keys.push(created)
      return { ...created, key: 'coppice_secret', created_at: at, created_by: 'u' }
    },
    createOrgApiKey({ path, body }) {
      const { key_name: name, project_id } = body as { key_name: string; project_id?: string }
      world.keys.push({ id: world.keys.length + 1, name })
      return { id: world.keys.length, name, key: `secret of ${path['org_id']} ${project_id}` }
    },
    revokeApiKey({ path }) {
      const key = world.keys.find((one) => one.id === Number(path['key_id']))
      if (!key) throw new FakeError('api_key_not_found', 'API key does not exist')
      return { ...key, created_at: at, created_by: 'u', revoked: true, last_used_from_addr: '' }
    },
    getPlatformStatus: () => ({
      version: '0.1.0',
      pid: 4711,
      started_at: at,
      home: '/srv/coppice',
      api_url: 'http://127.0.0.1:7432',
      domain: 'localhost',
      direct_port: 5432,
      pooled_port: 6432,
      sql_port: 8443,
      certificate: {
        kind: 'own',
        file: '/var/lib/coppice/tls/server.crt',
        names: ['coppice.localhost', '*.coppice.localhost'],
        issuer: 'Coppice CA',
        expires_at: '2028-01-01T00:00:00.000Z',
        warnings: [],
      },
      store: { kind: 'embedded', available: true },
      pool: {
        driver: 'btrfs',
        path: '/srv/coppice/pool',
        total_bytes: 50 * 1024 ** 3,
        free_bytes: 45.25 * 1024 ** 3,
      },
      limits: {
        kind: 'cgroup v2',
        detail: 'cgroup v2 in /sys/fs/cgroup',
        awake: 1,
        waiting: 0,
        waiting_endpoints: [],
      },
      gateway: [
        { pid: 4713, state: 'serving', started_at: at, sessions: 2, memory_bytes: 80 * 1024 ** 2 },
      ],
      postgres: [{ version: '18.4', origin: 'npm' }],
      computes: world.endpoints.map((endpoint) => ({
        endpoint_id: endpoint.id,
        project_id: endpoint.project_id,
        branch_id: endpoint.branch_id,
        branch_name: 'main',
        type: endpoint.type,
        current_state: 'active',
        pg_version: '18.4',
        pid: 4712,
        sessions: 2,
        memory_bytes: 61 * 1024 ** 2,
        min_compute_units: 0.25,
        max_compute_units: 2,
        awake: [{ reason: 'LISTEN', role: 'neondb_owner', application_name: 'worker' }],
      })),
    }),
  }
}

function computeOf(world: World, path: Record<string, string>): SharedCompute {
  const found = world.computes.find((one) => one.name === path['compute_id'])
  if (!found) throw new FakeError('compute_not_found', 'compute does not exist')
  return found
}

function projectOf(world: World, path: Record<string, string>): Project {
  const project = world.projects.find((one) => one.id === path['project_id'])
  if (!project) throw new FakeError('project_not_found', 'project does not exist')
  return project
}

function branchesOf(world: World, projectId: string): Branch[] {
  return world.branches.filter((branch) => branch.project_id === projectId)
}

export function branchOf(world: World, path: Record<string, string>): Branch {
  const named = path['branch_id'] ?? ''
  const branch = branchesOf(world, path['project_id'] ?? '').find(
    (one) => one.id === named || one.name === named,
  )
  if (!branch) throw new FakeError('branch_not_found', `branch ${named} does not exist`)
  return branch
}

function endpointsOf(world: World, branch: Branch): Endpoint[] {
  return world.endpoints.filter((endpoint) => endpoint.branch_id === branch.id)
}

interface Named {
  role: string
  database: string
  pooled: boolean
}

/** As the platform writes it: TLS, channel binding, and the endpoint in `options` as well. */
function uriOf(endpoint: Endpoint, { role, database, pooled }: Named): string {
  const id = pooled ? `${endpoint.id}-pooler` : endpoint.id
  const host = endpoint.host.replace(endpoint.id, id)
  const [user, secret, name] = [role, password, database].map(encodeURIComponent)
  return (
    `postgresql://${user}:${secret}@${host}/${name}` +
    `?sslmode=require&channel_binding=require&options=endpoint%3D${id}%20-c%20a%3Db`
  )
}

function connectionDetails(endpoint: Endpoint): ConnectionDetails {
  const [role, database] = ['neondb_owner', 'neondb']
  return {
    connection_uri: uriOf(endpoint, { role, database, pooled: false }),
    connection_parameters: {
      database,
      password,
      role,
      host: endpoint.host,
      pooler_host: endpoint.host.replace(endpoint.id, `${endpoint.id}-pooler`),
    },
  }
}

export function makeOperation(
  branch: Branch,
  action: Operation['action'] = 'create_branch',
): Operation {
  return {
    id: '00000000-0000-4000-8000-000000000001',
    project_id: branch.project_id,
    branch_id: branch.id,
    action,
    status: 'finished',
    failures_count: 0,
    created_at: branch.created_at,
    updated_at: branch.created_at,
    total_duration_ms: 87,
  }
}

function awakeOf(world: World, endpoint: Endpoint): EndpointAwake {
  const branch = world.branches.find((one) => one.id === endpoint.branch_id)
  const timestamp = new Date().toISOString()
  return {
    endpoint_id: endpoint.id,
    branch_id: endpoint.branch_id,
    branch_name: branch?.name ?? '',
    current_state: 'active',
    frozen: false,
    suspend_timeout_seconds: 300,
    started_at: timestamp,
    last_active: timestamp,
    awake: [{ reason: 'running a query', application_name: 'shop', role: 'app', database: 'db' }],
    compute_unit_seconds: 3600,
    cost: 0.1,
    currency: 'USD',
    quiet_applications: world.quietApplications,
    sessions: [],
    events: world.awakeEvents,
  }
}
