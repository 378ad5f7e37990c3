import { findInstallations, type Installation } from '../compute/installations.ts'
import { materializeInstallation } from '../compute/materialize.ts'
import { findDatabaseUser } from '../compute/os-user.ts'
import type { Environment } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import type { Home } from '../lib/home.ts'

export interface Postgres {
  installations: Installation[]
  newest: Installation
  databaseUser: OsUser | undefined
}

/** The servers of this machine, each where the database's user can run it, newest first. */
export async function findPostgres(
  home: Home,
  environment: Environment,
  trustedExtensions: readonly string[] = [],
): Promise<Postgres> {
  const databaseUser = await findDatabaseUser(environment.databaseUser)
  const found = await findInstallations({ configuredPaths: environment.postgresPaths })
  const installations: Installation[] = []
  for (const one of found) {
    installations.push(
      await materializeInstallation(one, home.installations, databaseUser, trustedExtensions),
    )
  }
  const [newest] = installations
  if (newest !== undefined) return { installations, newest, databaseUser }
  throw new AppError(
    'not_available',
    'no PostgreSQL server of versions 14 to 18 is on this machine; install one ' +
      '(e.g. `apt install postgresql`), or name its directory in COPPICE_POSTGRES_PATHS',
  )
}
