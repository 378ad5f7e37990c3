import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { OsUser } from './exec.ts'

/** Every path below the platform's state directory, in one place. */
export interface Home {
  root: string
  config: string
  /** Where the running platform is to be found; gone when it has stopped. */
  run: string
  /** Held by whoever works in the state directory (`program/home-lock.ts`). */
  lock: string
  apiKey: string
  secretKey: string
  /** The operator's, where it is not in the environment. */
  s3Credentials: string
  tls: string
  pool: string
  poolImage: string
  store: string
  computes: string
  /** Configuration and logs of the PostgreSQLs that recover a branch's past. */
  replays: string
  installations: string
  /** Rows of the store while a backup reads or a restore loads them. */
  held: string
  logs: string
  /** Parent of the socket directories: short, since a socket's path has at most 107 bytes. */
  sockets: string
}

/** `sun_path` holds 108 bytes with its NUL; below this come `/<endpoint id>/.s.PGSQL.5432`. */
const socketRootMaxBytes = 40

export function homePaths(root: string): Home {
  const inside = (name: string) => join(root, name)
  const nearby = inside('run')
  return {
    root,
    config: inside('config.json'),
    run: inside('run.json'),
    lock: inside('lock'),
    apiKey: inside('api-key'),
    secretKey: inside('secret.key'),
    s3Credentials: inside('s3-credentials.json'),
    tls: inside('tls'),
    pool: inside('pool'),
    poolImage: inside('pool.img'),
    store: inside('store'),
    computes: inside('computes'),
    replays: inside('replays'),
    installations: inside('postgres'),
    held: inside('held'),
    logs: inside('logs'),
    sockets: Buffer.byteLength(nearby) <= socketRootMaxBytes ? nearby : shortSocketRoot(root),
  }
}

function shortSocketRoot(root: string): string {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 10)
  return join(tmpdir(), `coppice-${process.getuid?.() ?? 0}-${name}`)
}

/**
 * Makes the state directory. The database's user must be able to pass through it to its volumes, so
 * it is 0711: what is in it cannot be listed, and what is secret in it is 0600 or 0700.
 */
export async function createHome(home: Home): Promise<void> {
  // Clients of other users read the authority's certificate; its key is 0600.
  const searchable = [
    home.root,
    home.pool,
    home.computes,
    home.replays,
    home.installations,
    home.sockets,
    home.tls,
  ]
  for (const path of searchable) {
    await mkdir(path, { recursive: true, mode: 0o711 })
  }
  await requireOwn(home.sockets)
  for (const path of [home.root, home.sockets, home.tls]) await chmod(path, 0o711)
  await mkdir(home.logs, { recursive: true, mode: 0o700 })
}

/** The short place lies in a directory that others can write to: one made by them is not used. */
async function requireOwn(path: string): Promise<void> {
  const found = await lstat(path)
  if (found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid)) return
  throw new Error(`${path} belongs to another user; remove it, or choose another --home`)
}

/** Whose platform it is, where root works in somebody else's state directory. */
export async function homeOwner(home: Home): Promise<OsUser | undefined> {
  const { uid, gid } = await stat(home.root)
  return uid === 0 ? undefined : { name: String(uid), uid, gid }
}
