import type { JwksCreate } from '@coppice/api'

import { checkObjectName } from '../compute/object-names.ts'
import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { requireBranch, requireProject } from './lookups.ts'
import { refreshComputes } from './put-compute.ts'
import * as store from './store/jwks.ts'
import type { JwksRow } from './store/jwks.ts'
import { isUniqueViolation } from './store/store.ts'

export async function listJwks(context: Context, projectId: string): Promise<JwksRow[]> {
  await requireProject(context, projectId)
  return store.listJwks(context.store, projectId)
}

/** Adds where keys are. Nothing is fetched from there until a token has to be checked. */
export async function addJwks(
  context: Context,
  projectId: string,
  wanted: JwksCreate,
): Promise<JwksRow> {
  await requireProject(context, projectId)
  const branch = wanted.branch_id && (await requireBranch(context, projectId, wanted.branch_id))
  const role_names = (wanted.role_names ?? []).map((name) => checkObjectName('role', name))
  try {
    const row = await store.insertJwks(context.store, {
      project_id: projectId,
      branch_id: branch ? branch.id : null,
      jwks_url: checkJwksUrl(wanted.jwks_url),
      provider_name: wanted.provider_name,
      jwt_audience: wanted.jwt_audience ?? null,
      role_names: [...new Set(role_names)],
    })
    await refreshComputes(context, { projectId })
    return row
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new AppError('jwks_exists', `the project has the JWKS URL ${wanted.jwks_url} already`)
  }
}

export async function removeJwks(
  context: Context,
  projectId: string,
  id: string,
): Promise<JwksRow> {
  await requireProject(context, projectId)
  const removed = await store.removeJwks(context.store, projectId, id)
  if (removed === undefined) throw new AppError('jwks_not_found', `JWKS ${id} does not exist`)
  await refreshComputes(context, { projectId })
  return removed
}

/** Without a secret in it: the URL is shown to everyone who may read the project. */
function checkJwksUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return text
  throw new AppError(
    'invalid_request',
    'jwks_url must be an https:// URL without user or password, e.g. https://example.com/.well-known/jwks.json',
  )
}
