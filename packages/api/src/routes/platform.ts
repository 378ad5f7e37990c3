import { Type } from 'typebox'

import { PlatformCheck, PlatformStatus, PoolContents } from '../platform.ts'
import { route } from '../route.ts'

const tag = 'Platform'

/** Coppice's own: what runs on this host. */
export const platformRoutes = {
  getPlatformStatus: route('getPlatformStatus', {
    summary: 'Get the state of the platform: pool, store, computes and what keeps each awake',
    tag,
    status: 200,
    response: PlatformStatus,
  }),
  getPlatformPool: route('getPlatformPool', {
    summary: 'Get what takes the storage pool, by project and by branch',
    tag,
    status: 200,
    response: Type.Object({ pool: PoolContents }),
  }),
  getPlatformChecks: route('getPlatformChecks', {
    summary: 'Look at what the machine offers and what it lacks, as `coppice doctor` does',
    tag,
    status: 200,
    response: Type.Object({ checks: Type.Array(PlatformCheck) }),
  }),
}
