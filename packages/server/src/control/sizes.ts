import type { DefaultEndpointSettings } from '@coppice/api'

import { AppError } from '../lib/errors.ts'

export interface ComputeSize {
  min_cu: number
  max_cu: number
}

const defaultMinCu = 0.25
const defaultMaxCu = 2

/**
 * The size of a compute: what was asked for, else the project's default, else 0.25 to 2 CU. A bound
 * that was asked for alone pulls the other one along. CU come in steps of a quarter.
 */
export function resolveSize(
  asked: { min?: number | undefined; max?: number | undefined },
  defaults: DefaultEndpointSettings,
): ComputeSize {
  const baseMin = defaults.autoscaling_limit_min_cu ?? defaultMinCu
  const baseMax = defaults.autoscaling_limit_max_cu ?? Math.max(defaultMaxCu, baseMin)
  const min_cu = asked.min ?? Math.min(baseMin, asked.max ?? baseMin)
  const max_cu = asked.max ?? Math.max(baseMax, min_cu)
  for (const value of [min_cu, max_cu]) {
    if (value < 0.25 || !Number.isInteger(value * 4)) {
      throw new AppError(
        'invalid_request',
        `${value} compute units: sizes are multiples of 0.25, from 0.25 upwards`,
      )
    }
  }
  if (min_cu > max_cu) {
    throw new AppError(
      'invalid_request',
      `autoscaling_limit_min_cu (${min_cu}) is above autoscaling_limit_max_cu (${max_cu})`,
    )
  }
  return { min_cu, max_cu }
}
