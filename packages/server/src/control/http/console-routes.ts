import { type ConsoleSession, consoleSessionUrl } from '@coppice/api'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'

import type { ConsoleAccess, Proof } from '../console/access.ts'
import { requireSameOrigin, type SessionCookie } from './session-cookie.ts'

const secret = Type.String({ minLength: 1, maxLength: 512 })
const one = (name: string) => Type.Object({ [name]: secret }, { additionalProperties: false })
const SignIn = Type.Union([one('api_key'), one('password'), one('link')])

interface ConsoleRoutesOptions {
  access: ConsoleAccess
  cookie: SessionCookie
  version: string
}

/** Signing in to the console and out of it. */
export function mountConsoleSession(app: FastifyInstance, options: ConsoleRoutesOptions): void {
  const { access, cookie, version } = options
  const state = async (token: string | undefined): Promise<ConsoleSession> => {
    const scope = token === undefined ? undefined : await access.findScope(token)
    const password_set = await access.isPasswordSet()
    if (scope === undefined) return { signed_in: false, password_set }
    const { kind, project_id } = scope
    return { signed_in: true, password_set, version, kind, ...(project_id && { project_id }) }
  }
  const onRequest = async (request: FastifyRequest): Promise<void> => requireSameOrigin(request)
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    token?: string,
  ): Promise<ConsoleSession> => {
    reply.header('set-cookie', cookie.render(request, token))
    return state(token)
  }
  app.get(consoleSessionUrl, { schema: { hide: true }, onRequest }, async (request) =>
    state(cookie.read(request)),
  )
  app.post(
    consoleSessionUrl,
    { schema: { hide: true, body: SignIn }, onRequest },
    async (request, reply) => {
      const token = await access.signIn(request.body as Proof, request.ip)
      return answer(request, reply, token)
    },
  )
  app.delete(consoleSessionUrl, { schema: { hide: true }, onRequest }, async (request, reply) => {
    const token = cookie.read(request)
    if (token !== undefined) await access.signOut(token)
    return answer(request, reply)
  })
}
