import type { PgbouncerSettingsChange } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import {
  defaultPoolSettings,
  type PoolSettings,
  poolSettingName,
  readPoolSettings,
} from '../lib/pool-settings.ts'

type Texts = Readonly<Record<string, string>>

/**
 * What is set of the pooler after a change: null takes a name away, what is not named stays. Rejects
 * names and values that there are not with AppError `invalid_request`.
 */
export function changePoolerSettings(
  current: Texts,
  change: PgbouncerSettingsChange = {},
): Record<string, string> {
  const changed = new Map(Object.entries(current))
  return checked(() => {
    for (const [name, value] of Object.entries(change)) {
      // By one name each, so that an endpoint's is always over its project's.
      const known = poolSettingName(name)
      if (value === null) changed.delete(known)
      else changed.set(known, value.trim())
    }
    const settings = Object.fromEntries(changed)
    readPoolSettings(settings)
    return settings
  })
}

/** Every setting as it is in force: the defaults where the gateway could not read what is set. */
export function poolerSettingsInForce(
  project: Texts,
  endpoint: Texts = {},
): PoolSettings & Record<string, string | number> {
  try {
    return { ...readPoolSettings({ ...project, ...endpoint }) }
  } catch (error) {
    if (error instanceof RangeError) return { ...defaultPoolSettings }
    throw error
  }
}

function checked<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new AppError('invalid_request', `pgbouncer_settings: ${error.message}`)
  }
}
