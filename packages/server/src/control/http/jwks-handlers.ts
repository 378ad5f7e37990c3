import type { Context } from '../context.ts'
import { addJwks, listJwks, removeJwks } from '../jwks.ts'
import { presentJwks } from '../present.ts'
import type { Handlers } from './server.ts'

export function jwksHandlers(context: Context) {
  return {
    getProjectJWKS: async ({ path }) => ({
      jwks: (await listJwks(context, path.project_id)).map(presentJwks),
    }),
    addProjectJWKS: async ({ path, body }) => ({
      jwks: presentJwks(await addJwks(context, path.project_id, body)),
      operations: [],
    }),
    deleteProjectJWKS: async ({ path }) =>
      presentJwks(await removeJwks(context, path.project_id, path.jwks_id)),
  } satisfies Partial<Handlers>
}
