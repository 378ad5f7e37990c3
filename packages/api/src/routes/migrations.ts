import { Type } from 'typebox'

import { Uuid } from '../ids.ts'
import {
  ApplyLine,
  ApplyRequest,
  DatabaseChoice,
  MergePlanLine,
  MergePlanRequest,
  MigrationLedger,
  RehearseLine,
  RehearseRequest,
  UndoAnswer,
  UndoPreview,
  UndoRequest,
} from '../migration.ts'
import { BranchPath, ProjectPath } from '../paths.ts'
import { KeptRehearsal, RehearsalRecord, RehearsalSummary } from '../rehearsal.ts'
import { route } from '../route.ts'

const tag = 'Migration'
const RehearsalPath = Type.Object({ ...ProjectPath.properties, rehearsal_id: Uuid })

/** Changes of schemas: planned, rehearsed, applied, undone. To leave while one is at work calls it off. */
export const migrationRoutes = {
  planSchemaMerge: route('planSchemaMerge', {
    summary: 'Derive the statements that bring the schema of a branch into its parent',
    tag,
    path: BranchPath,
    body: MergePlanRequest,
    status: 200,
    response: MergePlanLine,
    lines: true,
  }),
  rehearseMigrations: route('rehearseMigrations', {
    summary: 'Run SQL on a branch that is thrown away, and report locks, rewrites and time',
    tag,
    path: BranchPath,
    body: RehearseRequest,
    status: 200,
    response: RehearseLine,
    lines: true,
  }),
  applyMigrations: route('applyMigrations', {
    summary: 'Run what has not run yet, file by file, with a restore point before it',
    tag,
    path: BranchPath,
    body: ApplyRequest,
    status: 200,
    response: ApplyLine,
    lines: true,
  }),
  listMigrations: route('listMigrations', {
    summary: 'List what has been applied to a database',
    tag,
    path: BranchPath,
    query: Type.Object(DatabaseChoice),
    status: 200,
    response: MigrationLedger,
  }),
  previewMigrationsUndo: route('previewMigrationsUndo', {
    summary: 'Tell what undoing the last apply would take away',
    tag,
    path: BranchPath,
    query: Type.Object(DatabaseChoice),
    status: 200,
    response: UndoPreview,
  }),
  undoMigrations: route('undoMigrations', {
    summary: 'Bring a branch back to before the last apply',
    tag,
    path: BranchPath,
    body: UndoRequest,
    status: 200,
    response: UndoAnswer,
  }),
  listRehearsals: route('listRehearsals', {
    summary: 'List the rehearsals of a project that are kept, the last first',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ rehearsals: Type.Array(RehearsalSummary) }),
  }),
  getRehearsal: route('getRehearsal', {
    summary: 'Get the report of a rehearsal',
    tag,
    path: RehearsalPath,
    status: 200,
    response: Type.Object({ rehearsal: KeptRehearsal }),
  }),
  recordRehearsal: route('recordRehearsal', {
    summary: 'Keep the report of a rehearsal that was made elsewhere',
    tag,
    path: ProjectPath,
    body: RehearsalRecord,
    status: 201,
    response: Type.Object({ rehearsal: KeptRehearsal }),
  }),
}
