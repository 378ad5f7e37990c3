import type {
  AwakeEvent,
  CostReport,
  BackupScheduleItem,
  Branch,
  BranchEndpointCreate,
  ComputeSample,
  Database,
  Endpoint,
  Operation,
  PlatformSample,
  PoolerClient,
  PoolerPool,
  PricesAnswer,
  Project,
  Role,
  SharedCompute,
  SharedComputeCreate,
  Snapshot,
} from '@coppice/api'

/** What the fake API knows. Tests put in what they need and read what was done. */
export interface World {
  projects: Project[]
  branches: Branch[]
  endpoints: Endpoint[]
  computes: SharedCompute[]
  roles: Role[]
  databases: Database[]
  operations: Operation[]
  pools: PoolerPool[]
  poolerClients: PoolerClient[]
  awakeEvents: AwakeEvent[]
  quietApplications: string[]
  cost: CostReport
  prices: PricesAnswer
  /** Of every compute. */
  computeSamples: ComputeSample[]
  platformSamples: PlatformSample[]
  keys: Array<{ id: number; name: string }>
  snapshots: Snapshot[]
  schedule: BackupScheduleItem[]
  /** By database; those that are not here do not differ. */
  schemaDiffs: Record<string, string>
  /** Notes on branches, by their ids. */
  annotations: Record<string, Record<string, string>>
}

const then = '2030-01-01T00:00:00Z'
const created = '2026-01-01T00:00:00Z'

const examplePrices = {
  currency: 'USD',
  compute_unit_hour: 0.1,
  storage_gb_month: 0.3,
  history_gb_month: 0.3,
  snapshot_gb_month: 0.3,
  egress_gb: 0.1,
  extra_branch_month: 0,
  included_compute_unit_hours: 0,
  included_storage_gb: 10,
  included_egress_gb: 1,
  included_branches: 0,
}

const noCost = {
  month: '2026-11',
  is_running: true,
  items: [],
  total: 0,
  estimate: 0,
  saved: {
    sleeping_hours: 0,
    sleeping_compute_unit_hours: 0,
    sleeping_cost: 0,
    shared_gb_months: 0,
    shared_compute_unit_hours: 0,
    sharing_cost: 0,
  },
  by_preset: [],
  shares: [],
  advice: [],
}

/** One project with its default branch `main`, as the platform makes it. */
export function createWorld(): World {
  const world: World = {
    projects: [],
    branches: [],
    endpoints: [],
    computes: [],
    roles: [],
    databases: [],
    operations: [],
    pools: [],
    poolerClients: [],
    awakeEvents: [],
    quietApplications: [],
    cost: { ...noCost, preset: 'mission', prices: examplePrices },
    prices: { preset: 'mission', prices: examplePrices },
    computeSamples: [],
    platformSamples: [],
    keys: [{ id: 1, name: 'first' }],
    snapshots: [],
    schedule: [],
    schemaDiffs: {},
    annotations: {},
  }
  addProject(world, 'quiet-sea-00000001', 'shop')
  return world
}

export function addProject(world: World, id: string, name: string): Project {
  const project = makeProject(id, name)
  world.projects.push(project)
  const branch = addBranch(world, id, { name: 'main' })
  world.branches = world.branches.map((one) =>
    one === branch ? { ...branch, default: true, primary: true } : one,
  )
  addRole(world, branch.id, 'neondb_owner')
  addDatabase(world, branch.id, 'neondb', 'neondb_owner')
  return project
}

interface NewBranch {
  name: string
  parentId?: string | undefined
  expiresAt?: string | undefined
  isProtected?: boolean
}

/** A branch with a read-write endpoint and what its parent has. */
export function addBranch(world: World, projectId: string, wanted: NewBranch): Branch {
  const number = String(world.branches.length + 1).padStart(8, '0')
  const branch: Branch = {
    id: `br-quiet-sea-${number}`,
    project_id: projectId,
    ...(wanted.parentId !== undefined && { parent_id: wanted.parentId }),
    name: wanted.name,
    current_state: 'ready',
    state_changed_at: created,
    logical_size: 31_000_000,
    creation_source: 'test',
    primary: false,
    default: false,
    protected: wanted.isProtected ?? false,
    cpu_used_sec: 0,
    compute_time_seconds: 0,
    active_time_seconds: 0,
    written_data_bytes: 0,
    data_transfer_bytes: 0,
    created_at: created,
    updated_at: created,
    ...(wanted.expiresAt !== undefined && { expires_at: wanted.expiresAt }),
  }
  world.branches.push(branch)
  const inherited = <Row extends { branch_id: string }>(rows: readonly Row[]) =>
    rows
      .filter((row) => row.branch_id === wanted.parentId)
      .map((row) => ({ ...row, branch_id: branch.id }))
  world.roles.push(...inherited(world.roles))
  world.databases.push(...inherited(world.databases))
  return branch
}

export function addEndpoint(
  world: World,
  branch: Branch,
  { compute_id: shared, ...wanted }: BranchEndpointCreate,
): Endpoint {
  const id = `ep-quiet-sea-${String(world.endpoints.length + 1).padStart(8, '0')}`
  const endpoint: Endpoint = {
    host: `${id}.localhost:5432`,
    id,
    project_id: branch.project_id,
    branch_id: branch.id,
    autoscaling_limit_min_cu: 0.25,
    autoscaling_limit_max_cu: 2,
    region_id: 'local',
    current_state: 'idle',
    settings: {},
    pooler_enabled: true,
    pooler_mode: 'transaction',
    disabled: false,
    passwordless_access: false,
    creation_source: 'test',
    created_at: created,
    updated_at: created,
    proxy_host: 'localhost',
    suspend_timeout_seconds: 0,
    provisioner: 'local',
    ...(shared && { compute_id: shared, compute_name: shared }),
    ...wanted,
  }
  world.endpoints.push(endpoint)
  return endpoint
}

export function makeCompute(
  project_id: string,
  wanted: SharedComputeCreate['compute'],
): SharedCompute {
  return {
    id: `compute-${wanted.name}`,
    project_id,
    autoscaling_limit_min_cu: 0.25,
    autoscaling_limit_max_cu: 2,
    for_new_branches: false,
    endpoint_ids: [],
    created_at: created,
    updated_at: created,
    ...wanted,
  }
}

export function addRole(world: World, branchId: string, name: string): Role {
  const role = {
    branch_id: branchId,
    name,
    protected: false,
    created_at: created,
    updated_at: created,
  }
  world.roles.push(role)
  return role
}

export function addDatabase(world: World, branchId: string, name: string, owner: string): Database {
  const database = {
    id: world.databases.length + 1,
    branch_id: branchId,
    name,
    owner_name: owner,
    created_at: created,
    updated_at: created,
    size_bytes: 7_600_000,
  }
  world.databases.push(database)
  return database
}

function makeProject(id: string, name: string): Project {
  return {
    id,
    platform_id: 'local',
    region_id: 'local',
    name,
    provisioner: 'local',
    default_endpoint_settings: {
      autoscaling_limit_min_cu: 0.25,
      autoscaling_limit_max_cu: 2,
      suspend_timeout_seconds: 0,
    },
    settings: {},
    pg_version: 18,
    proxy_host: 'localhost',
    branch_logical_size_limit: 0,
    branch_logical_size_limit_bytes: 0,
    store_passwords: true,
    creation_source: 'test',
    history_retention_seconds: 86_400,
    created_at: created,
    updated_at: created,
    synthetic_storage_size: 0,
    consumption_period_start: created,
    consumption_period_end: then,
    owner_id: 'owner',
    cpu_used_sec: 0,
    active_time: 0,
    data_storage_bytes_hour: 0,
    data_transfer_bytes: 0,
    written_data_bytes: 0,
    compute_time_seconds: 0,
    active_time_seconds: 0,
  }
}
