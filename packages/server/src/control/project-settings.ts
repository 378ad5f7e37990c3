import type { ProjectSettings } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { parseIpRange } from '../lib/ip-ranges.ts'

/**
 * A project's settings after a change: what is not named stays. Rejects what cannot be with AppError
 * `invalid_request`, and what this platform has not with `not_available`.
 */
export function changeProjectSettings(
  current: ProjectSettings,
  change: ProjectSettings = {},
): ProjectSettings {
  refuseWhatIsNotThere(change)
  if (current.enable_logical_replication === true && change.enable_logical_replication === false) {
    throw new AppError(
      'invalid_request',
      'logical replication cannot be disabled once it is enabled',
    )
  }
  const { quota, allowed_ips, preload_libraries } = change
  return {
    ...current,
    ...pick(change, [
      'enable_logical_replication',
      'maintenance_window',
      'block_public_connections',
      'block_vpc_connections',
    ]),
    ...(quota && { quota: { ...current.quota, ...quota } }),
    ...(allowed_ips && {
      allowed_ips: {
        ...current.allowed_ips,
        ...allowed_ips,
        ...(allowed_ips.ips && { ips: checkIps(allowed_ips.ips) }),
      },
    }),
    ...(preload_libraries && {
      preload_libraries: { ...current.preload_libraries, ...preload_libraries },
    }),
  }
}

/** Neon's document has these; to take and ignore them would promise what is not done. */
function refuseWhatIsNotThere(change: ProjectSettings): void {
  if (change.hipaa === true) {
    throw new AppError('not_available', 'hipaa is not available: Coppice is not certified for it')
  }
  if (change.audit_log_level !== undefined) {
    throw new AppError(
      'not_available',
      'audit_log_level is not available; `coppice logs <endpoint>` shows what PostgreSQL logs',
    )
  }
}

function pick(
  settings: ProjectSettings,
  names: readonly (keyof ProjectSettings)[],
): ProjectSettings {
  return Object.fromEntries(
    names.flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]]])),
  )
}

/** The entries as they are kept: without white space around them, each once. */
function checkIps(ips: readonly string[]): string[] {
  const entries = ips.map((entry) => entry.trim())
  for (const entry of entries) {
    if (parseIpRange(entry) !== undefined) continue
    throw new AppError(
      'invalid_request',
      `allowed_ips: ${JSON.stringify(entry)} is no address, CIDR block (10.0.0.0/8) or range (10.0.0.1-10.0.0.9)`,
    )
  }
  return [...new Set(entries)]
}
