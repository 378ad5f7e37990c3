import type { KeptRehearsal, RehearsalSummary } from '@coppice/api'

import type { Context } from '../context.ts'
import { requireBranch } from '../lookups.ts'
import {
  applyFiles,
  listMigrations,
  parseFiles,
  planSchemaMerge,
  previewMigrationsUndo,
  rehearseFiles,
  undoLastApply,
  type Workplace,
  workplaceOf,
} from '../migrations/migrate.ts'
import {
  getRehearsal,
  keepRehearsal,
  type KeptRehearsalRow,
  listRehearsals,
} from '../migrations/rehearsals.ts'
import { explained, Works } from '../migrations/work-lines.ts'
import type { RehearsalRow } from '../store/rehearsals.ts'
import type { TimeTravel } from '../time-travel.ts'
import { createOwnClient } from './own-client.ts'
import type { Caller, Handlers } from './server.ts'

/** `handlers` are all of them, through which the engine makes and removes branches for its caller. */
export function migrationHandlers(
  context: Context,
  timeTravel: TimeTravel,
  handlers: () => Handlers,
) {
  const works = new Works()
  const place = async (
    path: { project_id: string; branch_id: string },
    choice: { db_name: string; role_name?: string },
    caller: Caller,
  ): Promise<Workplace> => {
    const { id } = await requireBranch(context, path.project_id, path.branch_id)
    const asked = { path: { ...path, branch_id: id }, choice }
    const client = createOwnClient(handlers(), caller)
    return workplaceOf(context, timeTravel, client, asked, caller.signal)
  }
  return {
    planSchemaMerge: async ({ path, body }, caller) => {
      const at = await place(path, body, caller)
      return works.run(path.project_id, caller.signal, async (observer) => ({
        type: 'result' as const,
        plan: await planSchemaMerge(at, body, observer),
      }))
    },
    rehearseMigrations: async ({ path, body }, caller) => {
      const at = await place(path, body, caller)
      const files = await explained(async () => parseFiles(body.files))
      return works.run(path.project_id, caller.signal, async (observer) => ({
        type: 'result' as const,
        rehearsal: presentKept(await rehearseFiles(context, at, files, body, observer)),
      }))
    },
    applyMigrations: async ({ path, body }, caller) => {
      const at = await place(path, body, caller)
      const files = await explained(async () => parseFiles(body.files))
      return works.run(path.project_id, caller.signal, async (observer) => ({
        type: 'result' as const,
        ...(await applyFiles(at, files, body, observer)),
      }))
    },
    listMigrations: async ({ path, query }, caller) =>
      explained(async () => listMigrations(await place(path, query, caller))),
    previewMigrationsUndo: async ({ path, query }, caller) =>
      explained(async () => previewMigrationsUndo(await place(path, query, caller))),
    undoMigrations: async ({ path, body }, caller) =>
      explained(async () => undoLastApply(await place(path, body, caller), body)),
    listRehearsals: async ({ path }) => ({
      rehearsals: (await listRehearsals(context, path.project_id)).map(present),
    }),
    getRehearsal: async ({ path }) => ({
      rehearsal: presentKept(await getRehearsal(context, path.project_id, path.rehearsal_id)),
    }),
    recordRehearsal: async ({ path, body }) => {
      const branch = await requireBranch(context, path.project_id, body.branch_id)
      const rehearsed = { projectId: path.project_id, branch, database: body.db_name }
      return { rehearsal: presentKept(await keepRehearsal(context, rehearsed, body.report)) }
    },
  } satisfies Partial<Handlers>
}

function present(row: RehearsalRow): RehearsalSummary {
  const { id, branch_id, branch_name, files, statements, findings, duration_ms, failed } = row
  return {
    id,
    branch_id,
    branch_name,
    db_name: row.database_name,
    created_at: row.created_at.toISOString(),
    files,
    statements,
    findings,
    duration_ms,
    failed,
  }
}

const presentKept = (row: KeptRehearsalRow): KeptRehearsal => ({
  ...present(row),
  report: row.report,
})
