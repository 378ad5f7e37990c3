import { findDatabaseUser, platformUserName } from '../compute/os-user.ts'
import type { Environment } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'

/** Who gets an ejected directory. */
export interface EjectOwner {
  /** Undefined where only a number was given. */
  name: string | undefined
  /** For chown; undefined where the files are theirs as they are. */
  spec: string | undefined
}

/** A user's name, or `uid:gid`; else whom PostgreSQL runs as here. Rejects with AppError `invalid_request`. */
export async function readOwner(
  given: string | undefined,
  environment: Environment,
): Promise<EjectOwner> {
  if (given === undefined) {
    const user = await findDatabaseUser(environment.databaseUser)
    return user ? { name: user.name, spec: `${user.uid}:${user.gid}` } : self()
  }
  if (given === platformUserName()) return self()
  if (process.getuid?.() !== 0) {
    throw new AppError('not_permitted', `only root can give files to ${given}: run it with sudo`)
  }
  if (/^\d+:\d+$/.test(given)) return { name: undefined, spec: given }
  if (/^[a-z_][a-z0-9_.-]*$/i.test(given) && (await isUser(given))) {
    return { name: given, spec: `${given}:` }
  }
  throw new AppError('invalid_request', `--owner ${given} is no user of this machine, nor uid:gid`)
}

const self = (): EjectOwner => ({ name: platformUserName(), spec: undefined })

const isUser = async (name: string): Promise<boolean> =>
  exec('id', ['-u', '--', name]).then(
    () => true,
    () => false,
  )
