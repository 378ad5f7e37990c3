import { PlatformStatus } from '../platform.ts'
import { route } from '../route.ts'

/** Coppice's own: what runs on this host. */
export const platformRoutes = {
  getPlatformStatus: route('getPlatformStatus', {
    summary: 'Get the state of the platform: pool, store, computes and what keeps each awake',
    tag: 'Platform',
    status: 200,
    response: PlatformStatus,
  }),
}
