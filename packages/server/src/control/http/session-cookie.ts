import { consoleHeader } from '@coppice/api'
import type { FastifyRequest } from 'fastify'

import { AppError } from '../../lib/errors.ts'
import { sessionLifeSeconds } from '../console/access.ts'

/**
 * The cookie of a console's session. Cookies do not know ports, so its name tells platforms of one
 * machine apart.
 */
export interface SessionCookie {
  read(request: FastifyRequest): string | undefined
  /** The value of `Set-Cookie`; without a token, one that takes the cookie away. */
  render(request: FastifyRequest, token?: string): string
}

export function sessionCookie(platformId: string): SessionCookie {
  const name = `coppice_session_${platformId.replaceAll(/[^\w]/g, '').slice(0, 12)}`
  return {
    read: (request) =>
      (request.headers.cookie ?? '')
        .split(/;\s*/)
        .find((pair) => pair.startsWith(`${name}=`))
        ?.slice(name.length + 1),
    render: (request, token) =>
      [
        `${name}=${token ?? ''}`,
        'Path=/',
        'HttpOnly',
        'SameSite=Strict',
        `Max-Age=${token === undefined ? 0 : sessionLifeSeconds}`,
        // The API speaks plain HTTP; a proxy before it that speaks TLS says so.
        ...(request.headers['x-forwarded-proto'] === 'https' ? ['Secure'] : []),
      ].join('; '),
  }
}

/**
 * Refuses what another site makes a browser send. SameSite=Strict leaves other ports of the same host,
 * which are one site: browsers name the origin of what changes anything, and of everything since 2023
 * its relation to the server.
 */
export function requireSameOrigin(request: FastifyRequest): void {
  const { origin, host } = request.headers
  const relation = request.headers['sec-fetch-site']
  const isForeign = relation !== undefined && relation !== 'same-origin' && relation !== 'none'
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  const isOwn =
    origin !== undefined && URL.canParse(origin)
      ? new URL(origin).host === host
      : isSafe && origin === undefined
  const hasHeader = isSafe || request.headers[consoleHeader] !== undefined
  if (!isForeign && isOwn && hasHeader) return
  throw new AppError('not_permitted', 'a session of the console serves the console alone')
}
