import { type Client, type RouteName, routes } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import { authorize } from './auth.ts'
import type { Caller, Handlers } from './server.ts'

interface AnyInput {
  path?: { project_id?: string }
}

/**
 * The API for what runs inside it on somebody's behalf: what its caller may not do is refused as it would be
 * over HTTP. Rejects with AppError.
 */
export function createOwnClient(handlers: Handlers, caller: Caller): Client {
  const calls = Object.entries(routes).map(([key, route]) => {
    const name = key as RouteName
    const handler = handlers[name] as (input: unknown, caller: Caller) => Promise<unknown>
    const call = async (input: AnyInput) => {
      authorize(caller.apiKey, name, input.path ?? {})
      try {
        return await handler({ query: {}, ...input }, caller)
      } catch (error) {
        const absent = 'absent' in route ? route.absent : undefined
        if (error instanceof AppError && error.code === absent) return undefined
        throw error
      }
    }
    return [name, call]
  })
  // As in `createClient`: that every route has its handler makes this true.
  return Object.fromEntries(calls) as Client
}
