import type { BranchEndpointCreate, PreloadLibraries } from '@coppice/api'

import { checkPgSettings } from '../compute/pg-settings.ts'
import { isKnownLibrary } from '../compute/preload-libraries.ts'
import { AppError } from '../lib/errors.ts'
import { newEndpointId } from '../lib/ids.ts'
import { changePoolerSettings } from './pooler-settings.ts'
import { resolveSize } from './sizes.ts'
import type { NewEndpoint } from './store/endpoints.ts'
import type { ProjectRow } from './store/projects.ts'

/**
 * A new endpoint with the project's defaults filled in, in a shared compute where one is named. `parent` is the parent's: a branch behaves as
 * its parent does, and could not even replay the parent's WAL with fewer `max_prepared_transactions`.
 * The project's settings of the pooler are not copied: they hold for all its endpoints at any time.
 */
export function planEndpoint(
  project: ProjectRow,
  branchId: string,
  request: BranchEndpointCreate,
  compute_id: string | null,
  parent?: Pick<NewEndpoint, 'pg_settings' | 'pgbouncer_settings' | 'preload_libraries'>,
): NewEndpoint {
  refuseWhatIsNotThere(request)
  const defaults = project.default_endpoint_settings
  const pg_settings = {
    ...defaults.pg_settings,
    ...parent?.pg_settings,
    ...request.settings?.pg_settings,
  }
  checkPgSettings(pg_settings)
  const size = resolveSize(
    { min: request.autoscaling_limit_min_cu, max: request.autoscaling_limit_max_cu },
    defaults,
  )
  return {
    id: newEndpointId(),
    project_id: project.id,
    branch_id: branchId,
    type: request.type,
    name: request.name ?? null,
    ...size,
    compute_id,
    suspend_timeout_seconds: checkSuspendTimeout(
      request.suspend_timeout_seconds ?? defaults.suspend_timeout_seconds ?? 0,
    ),
    pg_settings,
    pgbouncer_settings: changePoolerSettings(
      parent?.pgbouncer_settings ?? {},
      request.settings?.pgbouncer_settings,
    ),
    preload_libraries: checkLibraries(
      request.settings?.preload_libraries ?? parent?.preload_libraries ?? null,
    ),
    pooler_enabled: request.pooler_enabled ?? false,
    disabled: request.disabled ?? false,
  }
}

/** What the API describes of an endpoint and this platform does not do is refused, never left out. */
export function refuseWhatIsNotThere(options: { passwordless_access?: boolean }): void {
  if (options.passwordless_access !== true) return
  throw new AppError(
    'not_available',
    'passwordless_access is not available: every client proves a password',
  )
}

/** Whether they are installed, those who can wait for an answer check besides. */
function checkLibraries(wanted: PreloadLibraries | null): PreloadLibraries | null {
  const unknown = wanted?.enabled_libraries?.find((name) => !isKnownLibrary(name))
  if (unknown === undefined) return wanted
  throw new AppError(
    'invalid_request',
    `library ${JSON.stringify(unknown)} cannot be preloaded; the project's available_preload_libraries can`,
  )
}

/** -1 never, 0 the platform's default; one second is the least that makes sense. */
export function checkSuspendTimeout(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= -1 && seconds <= 604_800) return seconds
  throw new AppError(
    'invalid_request',
    'suspend_timeout_seconds is -1 (never), 0 (default) or up to 604800 (a week)',
  )
}
