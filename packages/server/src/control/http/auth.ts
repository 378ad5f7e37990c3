import { createHash } from 'node:crypto'

import type { FastifyRequest } from 'fastify'

import { AppError } from '../../lib/errors.ts'
import { type ApiKeyRow, findApiKey, recordApiKeyUse } from '../store/api-keys.ts'
import type { Store } from '../store/store.ts'

/** A key is looked up by its hash, so that neither the store nor a timing difference gives it away. */
export const hashApiKey = (key: string): Buffer => createHash('sha256').update(key).digest()

/** How often a key's last use is written down. */
const useGrainMs = 60_000

/** The key that a request carries as its bearer token, or `not_authenticated`. */
export async function authenticate(store: Store, request: FastifyRequest): Promise<ApiKeyRow> {
  const match = /^Bearer ([\w~.+/=-]{8,512})$/i.exec(request.headers.authorization ?? '')
  const row = match?.[1] === undefined ? undefined : await findApiKey(store, hashApiKey(match[1]))
  if (row === undefined) {
    throw new AppError(
      'not_authenticated',
      match === null
        ? 'this request carries no API key; send it as `Authorization: Bearer <key>`'
        : 'the API key is not valid; it may have been revoked',
    )
  }
  const lastUse = row.last_used_at?.getTime() ?? 0
  if (Date.now() - lastUse > useGrainMs) await recordApiKeyUse(store, row.id, request.ip)
  return row
}
