import { describeError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { putCompute } from './put-compute.ts'
import type { EndpointRow } from './store/endpoints.ts'

/**
 * Tells the host of an endpoint whose branch exists already. Where the host has never read the branch's
 * roles, or has lost what it read, nobody could log in and so nobody could wake it: then the platform
 * starts it once, and it suspends by itself again.
 */
export async function registerCompute(context: Context, endpoint: EndpointRow): Promise<void> {
  const compute = await putCompute(context, endpoint.id)
  if (endpoint.disabled || compute.spec.blockedBecause !== '' || compute.state !== 'idle') return
  const { roles } = await compute.catalog()
  if (roles.length > 0) return
  compute.wake().catch((error: unknown) => {
    context.log.error(
      { endpoint_id: endpoint.id, error: describeError(error) },
      'a compute could not be started to learn its roles',
    )
  })
}
