import { readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'

import type { PlatformCheck } from '@coppice/api'
import { renderS3Url } from '@coppice/s3/location'

import { findControlGroups } from '../compute/find-control-groups.ts'
import { findInstallations } from '../compute/installations.ts'
import { findDatabaseUser } from '../compute/os-user.ts'
import { walDirectory } from '../control/history/create-history.ts'
import { readCertificatePair } from '../gateway/certificate-pair.ts'
import { createS3Bucket } from '../history/s3-bucket.ts'
import { readWaiting, spoolParts } from '../history/wal-spool.ts'
import type { Environment } from '../lib/config.ts'
import { describeError } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'
import { isThere } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'
import { readSavedConfig } from '../lib/saved-config.ts'
import { canCreatePoolImage, isMounted } from '../volume/pool-image.ts'
import { probePool } from '../volume/probe.ts'
import { renderSize } from '../volume/size.ts'
import { askPlatform } from './ask-platform.ts'
import { certificateStatus } from './certificate-keeper.ts'
import { findHostNames } from './names-resolve.ts'
import { findPoolImage } from './platform-pool.ts'
import { readS3Credentials } from './s3-credentials.ts'
import { serveOptions } from './serve-options.ts'

/** Answers, to whoever asks while it is being looked, what is found then. */
export function createDoctor(home: Home, environment: Environment): () => Promise<PlatformCheck[]> {
  let looking: Promise<PlatformCheck[]> | undefined
  return async () => (looking ??= doctor(home, environment).finally(() => (looking = undefined)))
}

/** What this machine offers a platform, found out by trying. Changes nothing that stays. */
export async function doctor(home: Home, environment: Environment): Promise<PlatformCheck[]> {
  const checks = {
    Node: async () => checkNode(),
    PostgreSQL: async () => checkPostgres(environment),
    'Database user': async () => checkUser(environment),
    'Storage pool': async () => checkPool(home, environment),
    'State directory': async () => checkDisk(home),
    'WAL store': async () => checkWal(home, environment),
    'Host names': async () => checkNames(home, environment),
    Certificate: async () => checkCertificate(home, environment),
    openssl: async () => checkProgram('openssl', 'makes the certificates', 'fail'),
    psql: async () => checkProgram('psql', 'connects to branches from the terminal', 'warn'),
    'CPU and memory limits': async () => checkLimits(home),
    Platform: async () => checkPlatform(home),
  }
  const results: PlatformCheck[] = []
  for (const [name, check] of Object.entries(checks)) {
    const result = await check().catch((error: unknown): Outcome => ({
      status: 'fail',
      detail: describeError(error),
    }))
    results.push({ name, ...result })
  }
  return results
}

type Outcome = Omit<PlatformCheck, 'name'>

const leastNode = [20, 19] as const

async function checkNode(): Promise<Outcome> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isEnough = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])
  return isEnough
    ? { status: 'ok', detail: process.versions.node }
    : { status: 'fail', detail: process.versions.node, advice: 'install Node 20.19 or newer' }
}

async function checkPostgres(environment: Environment): Promise<Outcome> {
  const found = await findInstallations({ configuredPaths: environment.postgresPaths })
  if (found.length === 0) {
    return {
      status: 'fail',
      detail: 'no server of versions 14 to 18',
      advice: 'install one, e.g. `apt install postgresql`',
    }
  }
  const list = found.map(({ version, origin }) => `${version} (${origin})`).join(', ')
  return { status: 'ok', detail: `${list}; new projects use ${found[0]?.majorVersion}` }
}

async function checkUser(environment: Environment): Promise<Outcome> {
  const user = await findDatabaseUser(environment.databaseUser)
  return {
    status: 'ok',
    detail:
      user === undefined
        ? 'PostgreSQL runs as you'
        : `PostgreSQL runs as ${user.name} (uid ${user.uid})`,
  }
}

async function checkPool(home: Home, environment: Environment): Promise<Outcome> {
  const image = await findPoolImage(home, await readSavedConfig(home.config))
  if (image !== undefined && !(await isMounted({ imagePath: image, mountPoint: home.pool }))) {
    return {
      status: 'warn',
      detail: `${image} is not mounted`,
      advice: 'run `coppice up` as root, or `sudo coppice pool mount`',
    }
  }
  const user = await findDatabaseUser(environment.databaseUser)
  const probe = await probePool(home.pool, user)
  const timings = Object.entries(probe.drivers)
    .map(([kind, one]) => `${kind} ${one.works ? `${one.cloneMs.toFixed(0)} ms` : 'no'}`)
    .join(', ')
  const detail = `${probe.driver ?? 'none'} at ${home.pool} (a clone by ${timings})`
  if (probe.driver === undefined || !probe.isReachable) {
    return { status: 'fail', detail, advice: probe.warnings.join('; ') }
  }
  if (probe.driver !== 'copy') return { status: 'ok', detail }
  const support = await canCreatePoolImage()
  return {
    status: 'warn',
    detail: `${detail}: every branch is a full copy`,
    advice: support.possible
      ? '`coppice up` makes a btrfs pool image by itself at the first start, or `coppice pool create --size 50G`'
      : `${support.reason}; then \`sudo coppice pool create --size 50G\``,
  }
}

/** Asks no more of S3 than a listing: the platform that runs is the one that writes there. */
async function checkWal(home: Home, environment: Environment): Promise<Outcome> {
  const saved = await readSavedConfig(home.config)
  const { location } = serveOptions({}, environment, saved).walStore
  if (location === undefined) return { status: 'ok', detail: 'in the storage pool' }
  const { files, bytes } = await readWaiting(spoolParts(walDirectory(home.pool)))
  const detail = `${renderS3Url(location)}; ${files} files (${renderSize(bytes)}) wait for it`
  try {
    const credentials = await readS3Credentials(home, environment)
    await createS3Bucket(location, credentials, { attempts: 1 }).list('coppice.json')
    return { status: 'ok', detail }
  } catch (error) {
    return { status: 'warn', detail, advice: describeError(error) }
  }
}

async function checkNames(home: Home, environment: Environment): Promise<Outcome> {
  const { domain } = serveOptions({}, environment, await readSavedConfig(home.config))
  const { advice, areUsed } = await findHostNames(domain)
  if (advice === undefined) return { status: 'ok', detail: `names below ${domain} resolve` }
  const instead = areUsed ? '' : '; connection strings use options=endpoint='
  return { status: 'warn', detail: `names below ${domain} do not resolve here${instead}`, advice }
}

async function checkCertificate(home: Home, environment: Environment): Promise<Outcome> {
  const saved = await readSavedConfig(home.config)
  const { certificateFiles: files, domain } = serveOptions({}, environment, saved)
  const source = { directory: home.tls, domain, files }
  const own = { certPath: join(home.tls, 'server.crt'), keyPath: join(home.tls, 'server.key') }
  if (files === undefined && !(await isThere(own.certPath))) {
    return { status: 'ok', detail: 'made at the first start, by an authority of its own' }
  }
  const found = certificateStatus(source, await readCertificatePair(files ?? own))
  const origin = files === undefined ? "of the platform's own authority" : `in ${found.file}`
  const until = found.expires_at.slice(0, 10)
  const detail = `${origin}, until ${until}, for ${found.names.join(', ')}`
  const [advice] = found.warnings
  return advice === undefined ? { status: 'ok', detail } : { status: 'warn', detail, advice }
}

async function checkProgram(
  name: string,
  purpose: string,
  otherwise: 'warn' | 'fail',
): Promise<Outcome> {
  const flag = name === 'openssl' ? 'version' : '--version'
  try {
    return { status: 'ok', detail: (await exec(name, [flag])).trim() }
  } catch {
    return { status: otherwise, detail: `not found; it ${purpose}`, advice: `install ${name}` }
  }
}

/** Looks without moving itself: that is for the platform that runs. */
async function checkLimits(home: Home): Promise<Outcome> {
  const { kind, detail } = await findControlGroups(home.computes, { mayMove: false })
  if (kind !== 'none') return { status: 'ok', detail }
  return {
    status: 'warn',
    detail: 'computes run without limits and are not frozen: sizes are only counted',
    advice: detail,
  }
}

async function checkPlatform(home: Home): Promise<Outcome> {
  const running = await askPlatform(home)
  if (running === undefined)
    return { status: 'ok', detail: 'not running; start it with `coppice up`' }
  const address = await readFile(home.run, 'utf8').then(
    (text) => String((JSON.parse(text) as Record<string, unknown>)['api_url']),
    () => 'starting',
  )
  const { freeBytes, totalBytes } = await poolSpace(home)
  return {
    status: 'ok',
    detail: `running at ${address}; ${renderSize(freeBytes)} of ${renderSize(totalBytes)} free`,
  }
}

/** Below this the metadata store may soon have nowhere to write. */
const leastStateBytes = 256 * 1024 ** 2

/** The store may have a disk of its own. */
async function checkDisk(home: Home): Promise<Outcome> {
  const { bavail, bsize } = await statfs((await isThere(home.store)) ? home.store : home.root)
  const detail = `${renderSize(bavail * bsize)} free at ${home.root}`
  if (bavail * bsize >= leastStateBytes) return { status: 'ok', detail }
  return {
    status: 'fail',
    detail,
    advice: 'free some space there: without it nothing can be changed, though branches serve',
  }
}

async function poolSpace(home: Home): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, bsize, blocks } = await statfs(home.pool)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}
