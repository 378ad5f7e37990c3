export type { ApiKey, OrganizationApiKey } from './account.ts'
export type { AwakeEvent, AwakeEventKind, AwakeSession, EndpointAwake } from './awake.ts'
export type { Annotation, Branch, BranchCreate, BranchRestore, BranchUpdate } from './branch.ts'
export type { BranchHistory } from './branch-history.ts'
export { type Change, type ChangeKind, eventsUrl } from './change.ts'
export { ApiError, type Client, createClient } from './client.ts'
export {
  maxComputeUnits,
  type SharedCompute,
  type SharedComputeCreate,
  type SharedComputeUpdate,
} from './compute.ts'
export type {
  ConsumptionGranularity,
  ConsumptionMetric,
  ConsumptionPeriods,
  ConsumptionPeriodsV2,
  ConsumptionTimeframe,
} from './consumption.ts'
export { consoleHeader, type ConsoleSession, consoleSessionUrl } from './console.ts'
export type { ConnectionDetails } from './connection.ts'
export type {
  CostAdvice,
  CostHistory,
  CostItem,
  CostMetric,
  CostReport,
  CostShare,
  CostTimeframe,
  PriceListName,
  PricePreset,
  Prices,
  PricesAnswer,
  PricesUpdate,
} from './cost.ts'
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
  PreloadLibraries,
} from './endpoint.ts'
export { type ErrorCode, errors } from './errors.ts'
export {
  type ComputeFigure,
  computeFigures,
  type ComputeFigures,
  type Figure,
  type PlatformFigure,
  platformFigures,
  type PlatformFigures,
} from './figures.ts'
export { branchIdPattern } from './id-patterns.ts'
export type { Jwks, JwksCreate } from './jwks.ts'
export { type FailureLine, linesType } from './lines.ts'
export type { LogFieldValuesQuery, LogRecord, LogSeverity, LogsQuery } from './logs.ts'
export type {
  AnonymizedState,
  AnonymizedStatus,
  BranchAnonymizedCreate,
  MaskingRule,
} from './masking.ts'
export type { ComputeSample, EndpointMetrics, MetricsQuery, PlatformSample } from './metrics.ts'
export type {
  AppliedFile,
  AppliedMigration,
  ApplyLine,
  DerivedStatement,
  Loss,
  MergeConflict,
  MergePlan,
  MergePlanLine,
  MigrationLedger,
  RehearseLine,
  Remaining,
  RenameQuestion,
  RestorePoint,
  SqlFile,
  UndoAnswer,
  UndoPreview,
  WorkLine,
} from './migration.ts'
export type { Operation, OperationAction, OperationStatus } from './operation.ts'
export type {
  AwakeReason,
  CertificateStatus,
  ComputeStatus,
  GatewayProcess,
  PlatformCheck,
  PlatformStatus,
  PoolBranch,
  PoolContents,
  PoolProject,
} from './platform.ts'
export type { Pooler, PoolerClient, PoolerPool } from './pooler.ts'
export {
  type DefaultEndpointSettings,
  maxAllowedIps,
  maxHistoryRetentionSeconds,
  type PreloadLibrary,
  type Project,
  type ProjectCreate,
  type ProjectSettings,
  type ProjectUpdate,
} from './project.ts'
export type { QueryColumn, QueryLine, QueryRequest } from './query.ts'
export type {
  FileReport,
  Finding,
  KeptRehearsal,
  LoadFigures,
  LoadReport,
  LockReport,
  PlanChange,
  Rehearsal,
  RehearsalSummary,
  SizedRelation,
  StatementReport,
} from './rehearsal.ts'
export type { Role } from './role.ts'
export type { Route, RouteInput, RouteOutput } from './route.ts'
export { type Routes, routes } from './routes.ts'
export type { SavedQuery, SavedQueryCreate, SavedQueryUpdate } from './saved-query.ts'
export type { DatabaseTables } from './schema.ts'
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
