import { AppError } from '../lib/errors.ts'
import { hashApiKey, newApiKey } from '../lib/passwords.ts'
import type { Context } from './context.ts'
import { requireProject } from './lookups.ts'
import * as store from './store/api-keys.ts'
import type { ApiKeyKind, ApiKeyRow } from './store/api-keys.ts'

export interface CreatedApiKey {
  row: ApiKeyRow
  /** Shown to its creator and kept nowhere. */
  key: string
}

/** Makes a key; one of the organization may be for one project alone. */
export async function createApiKey(
  context: Context,
  wanted: { kind: ApiKeyKind; name: string; projectId?: string | undefined },
): Promise<CreatedApiKey> {
  const { kind, name, projectId } = wanted
  if (projectId !== undefined) await requireProject(context, projectId)
  const key = newApiKey()
  const row = await store.insertApiKey(context.store, {
    name,
    kind,
    project_id: projectId ?? null,
    key_hash: hashApiKey(key),
  })
  return { row, key }
}

export async function listApiKeys(context: Context, kind: ApiKeyKind): Promise<ApiKeyRow[]> {
  return store.listApiKeys(context.store, kind)
}

/** From the next request on, the key opens nothing. */
export async function revokeApiKey(
  context: Context,
  kind: ApiKeyKind,
  id: number,
): Promise<ApiKeyRow> {
  const row = await store.removeApiKey(context.store, kind, id)
  if (row !== undefined) return row
  throw new AppError('api_key_not_found', `API key ${id} does not exist`)
}
