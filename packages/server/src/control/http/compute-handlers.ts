import type { Context } from '../context.ts'
import { presentSharedCompute } from '../present.ts'
import {
  createSharedCompute,
  deleteSharedCompute,
  listSharedComputes,
  updateSharedCompute,
} from '../shared-computes.ts'
import type { Handlers } from './server.ts'

export function computeHandlers(context: Context) {
  return {
    listProjectComputes: async ({ path }) => ({
      computes: (await listSharedComputes(context, path.project_id)).map(presentSharedCompute),
    }),
    createProjectCompute: async ({ path, body }) => ({
      compute: presentSharedCompute(
        await createSharedCompute(context, path.project_id, body.compute),
      ),
    }),
    updateProjectCompute: async ({ path, body }) => ({
      compute: presentSharedCompute(
        await updateSharedCompute(context, path.project_id, path.compute_id, body.compute),
      ),
    }),
    deleteProjectCompute: async ({ path }) => ({
      compute: presentSharedCompute(
        await deleteSharedCompute(context, path.project_id, path.compute_id),
      ),
    }),
  } satisfies Partial<Handlers>
}
