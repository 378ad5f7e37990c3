import { chooseInstallation } from '../compute/installations.ts'
import { buildTemplate, templateRevision } from '../compute/template.ts'
import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { requireSpace } from './volumes.ts'

/**
 * A prepared cluster for each major version, from which projects are cloned: `initdb` takes half a
 * second and more, a clone some milliseconds. All projects of one template share its system identifier.
 */
export async function ensureTemplate(context: Context, pgVersion: number): Promise<string> {
  const id = `template-${pgVersion}-${templateRevision}`
  return context.locks.run(id, async () => {
    if (await context.volumes.exists(id)) return id
    await requireSpace(context.volumes)
    const installation = chooseInstallation(context.installations, pgVersion)
    if (installation === undefined) {
      throw new AppError('invalid_request', unsupportedVersion(context, pgVersion))
    }
    const unfinished = `${id}-unfinished`
    await context.volumes.destroy(unfinished)
    await context.volumes.create(unfinished)
    await buildTemplate({
      installation,
      directory: `${context.volumes.path(unfinished)}/pgdata`,
      user: context.databaseUser,
    })
    await context.volumes.rename(unfinished, id)
    return id
  })
}

export function unsupportedVersion(context: Context, pgVersion: number): string {
  const available = [...new Set(context.installations.map((one) => one.majorVersion))]
  return (
    `PostgreSQL ${pgVersion} is not installed on this host; available: ${available.join(', ')}. ` +
    `Install its server package (e.g. \`apt install postgresql-${pgVersion}\`) and restart the platform`
  )
}
