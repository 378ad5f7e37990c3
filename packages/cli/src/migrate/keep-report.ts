import type { Rehearsal } from '@coppice/api'
import { getBranch } from '@coppice/migrate/scope'

import type { Cli } from '../cli.ts'
import type { Target } from './target.ts'

/**
 * Gives the report of a rehearsal to the platform, which lists it in its console. That it cannot is no error of
 * the rehearsal: the key may not, or the server does not know of reports.
 */
export async function keepReport(
  cli: Cli,
  { scope, database }: Pick<Target, 'scope' | 'database'>,
  report: Rehearsal,
): Promise<void> {
  try {
    const branch = await getBranch(scope, scope.path.branch_id)
    await scope.client.recordRehearsal({
      path: { project_id: scope.projectId },
      body: { branch_id: branch.id, db_name: database.name, report },
    })
  } catch {
    cli.output.progress('The report was not kept.')
  }
}
