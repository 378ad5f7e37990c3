export type { ApiKey } from './account.ts'
export type { Branch, BranchCreate, BranchRestore, BranchUpdate } from './branch.ts'
export { ApiError, type Client, createClient } from './client.ts'
export type { ConnectionDetails } from './connection.ts'
export type { Database } from './database.ts'
export type {
  BranchEndpointCreate,
  Endpoint,
  EndpointCreate,
  EndpointSettings,
  EndpointState,
  EndpointType,
  EndpointUpdate,
  PgbouncerSettingsChange,
} from './endpoint.ts'
export { type ErrorCode, errors } from './errors.ts'
export { branchIdPattern } from './id-patterns.ts'
export type { Operation, OperationAction, OperationStatus } from './operation.ts'
export type { AwakeReason, ComputeStatus, PlatformStatus } from './platform.ts'
export type { Pooler, PoolerClient, PoolerPool } from './pooler.ts'
export type { DatabaseTables } from './schema.ts'
export type {
  DefaultEndpointSettings,
  Project,
  ProjectCreate,
  ProjectSettings,
  ProjectUpdate,
} from './project.ts'
export type { Role } from './role.ts'
export type { Route, RouteInput, RouteOutput } from './route.ts'
export { type Routes, routes } from './routes.ts'
export type {
  BackupSchedule,
  BackupScheduleItem,
  Snapshot,
  SnapshotCreate,
  SnapshotRestore,
  SnapshotUpdate,
  SnapshotVerification,
} from './snapshot.ts'
export { apiBasePath, type Method, type RouteName } from './urls.ts'
