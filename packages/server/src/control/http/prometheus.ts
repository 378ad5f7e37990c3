import type { FastifyInstance, FastifyRequest } from 'fastify'

import { AppError } from '../../lib/errors.ts'
import type { Exposition } from '../metrics/exposition.ts'
import { authenticate, type Authenticator } from './auth.ts'

/** Who reads `/metrics`: whoever has a key, or also everybody on this machine. */
export type MetricsAccess = 'key' | 'loopback'

interface PrometheusOptions {
  authenticator: Authenticator
  exposition: Exposition
  access: MetricsAccess
}

/** `GET /metrics`, beside the API: it tells of every project, so a key for one does not do. */
export function addPrometheus(app: FastifyInstance, options: PrometheusOptions): void {
  const { authenticator, exposition, access } = options
  app.get('/metrics', {
    schema: { hide: true },
    onRequest: async (request) => {
      if (access === 'loopback' && isLocal(request)) return
      const { project_id } = await authenticate(authenticator, request)
      if (project_id === null) return
      throw new AppError('outside_key_scope', 'metrics are of all projects; this key is for one')
    },
    handler: async (_, reply) => reply.type(exposition.contentType).send(await exposition.text()),
  })
}

/** What a proxy on this machine passes on comes from elsewhere. */
function isLocal({ ip, headers }: FastifyRequest): boolean {
  const isPassedOn = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
  return !isPassedOn && /^(127\.|::1$|::ffff:127\.)/.test(ip)
}
