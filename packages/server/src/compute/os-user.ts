import { access } from 'node:fs/promises'
import { userInfo } from 'node:os'

import { errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'

/** Made when neither a configured user nor `postgres` exists. */
const ownUserName = 'coppice'

/**
 * The OS user that PostgreSQL runs as: undefined where the platform is a plain user itself, since only
 * root can change users. As root, PostgreSQL refuses to run, so one is needed: the configured one,
 * else `postgres`, else a system user `coppice`, made here without a shell and without a home.
 */
export async function findDatabaseUser(configuredName?: string): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  if (configuredName !== undefined) return requireUser(configuredName)
  const existing = (await findUser('postgres')) ?? (await findUser(ownUserName))
  if (existing) return existing
  await createSystemUser(ownUserName)
  return requireUser(ownUserName)
}

/** Name of the OS user that this process runs as, as PostgreSQL's `peer` method sees it. */
export function platformUserName(): string {
  return userInfo().username
}

async function requireUser(name: string): Promise<OsUser> {
  const user = await findUser(name)
  if (user === undefined) throw new Error(`there is no OS user ${name} to run PostgreSQL as`)
  if (user.uid === 0) throw new Error(`PostgreSQL cannot run as ${name}: it refuses uid 0`)
  return user
}

async function findUser(name: string): Promise<OsUser | undefined> {
  const [uid, gid] = await Promise.all([readId('-u', name), readId('-g', name)])
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid }
}

async function readId(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  try {
    return Number(await exec('id', [flag, '--', name]))
  } catch (error) {
    // `id` exits 1 for a name that it does not know.
    if (error instanceof Error && isExit(error.cause, 1)) return undefined
    throw error
  }
}

function isExit(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function createSystemUser(name: string): Promise<void> {
  const shell = (await exists('/usr/sbin/nologin')) ? '/usr/sbin/nologin' : '/sbin/nologin'
  try {
    const home = ['--no-create-home', '--home-dir', '/nonexistent']
    await exec('useradd', ['--system', '--user-group', ...home, '--shell', shell, name])
  } catch (error) {
    // BusyBox, and so Alpine, has `adduser` instead.
    if (!(error instanceof Error) || errorCode(error.cause) !== 'ENOENT') throw error
    await exec('addgroup', ['-S', name])
    await exec('adduser', ['-S', '-D', '-H', '-h', '/nonexistent', '-s', shell, '-G', name, name])
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
