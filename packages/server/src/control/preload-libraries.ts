import type { PreloadLibraries, PreloadLibrary } from '@coppice/api'

import { chooseInstallation } from '../compute/installations.ts'
import { type AvailableLibrary, availableLibraries } from '../compute/preload-libraries.ts'
import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { requireProject } from './lookups.ts'

/** What computes of a project can preload, with the PostgreSQL that this host has for it. */
export async function listPreloadLibraries(
  context: Context,
  projectId: string,
): Promise<PreloadLibrary[]> {
  const project = await requireProject(context, projectId)
  return (await ofVersion(context, project.pg_version)).map((library) => ({
    library_name: library.name,
    description: library.description,
    is_default: library.isDefault,
    is_experimental: false,
    version: library.version,
  }))
}

/** Rejects a library that is not there: the compute would not start with it. */
export async function requireLibraries(
  context: Context,
  pgVersion: number,
  wanted: PreloadLibraries = {},
): Promise<void> {
  const { enabled_libraries: names = [] } = wanted
  if (names.length === 0) return
  const available = (await ofVersion(context, pgVersion)).map((library) => library.name)
  const missing = names.find((name) => !available.includes(name))
  if (missing === undefined) return
  throw new AppError(
    'invalid_request',
    `library ${JSON.stringify(missing)} cannot be preloaded; available: ${available.join(', ') || 'none'}`,
  )
}

async function ofVersion(context: Context, pgVersion: number): Promise<AvailableLibrary[]> {
  const installation = chooseInstallation(context.installations, pgVersion)
  return installation ? availableLibraries(installation) : []
}
