import type { ProjectSettings } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { parseIpRange } from '../lib/ip-ranges.ts'

/**
 * A project's settings after a change: what is not named stays. Rejects what cannot be with AppError
 * `invalid_request`.
 */
export function changeProjectSettings(
  current: ProjectSettings,
  change: ProjectSettings = {},
): ProjectSettings {
  if (current.enable_logical_replication === true && change.enable_logical_replication === false) {
    throw new AppError(
      'invalid_request',
      'logical replication cannot be disabled once it is enabled',
    )
  }
  const { allowed_ips } = change
  return {
    ...current,
    ...change,
    ...(change.quota && { quota: { ...current.quota, ...change.quota } }),
    ...(allowed_ips && {
      allowed_ips: {
        ...current.allowed_ips,
        ...allowed_ips,
        ...(allowed_ips.ips && { ips: checkIps(allowed_ips.ips) }),
      },
    }),
  }
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
