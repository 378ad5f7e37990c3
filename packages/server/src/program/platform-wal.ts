import { isInTheClear, renderS3Url, type S3Location } from '@coppice/s3/location'

import { walDirectory } from '../control/history/create-history.ts'
import { claimBucket } from '../history/claim-bucket.ts'
import { bringBack, forgetRemote, listRemoteOnly } from '../history/remote-only.ts'
import { createS3Bucket } from '../history/s3-bucket.ts'
import { createS3WalStore, type RemoteWalStore } from '../history/s3-wal-store.ts'
import type { Environment } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import type { SavedConfig } from '../lib/saved-config.ts'
import { renderSize } from '../volume/size.ts'
import type { VolumeDriver } from '../volume/volume.ts'
import { readS3Credentials } from './s3-credentials.ts'
import type { WalStoreOptions } from './wal-store-options.ts'

export interface PlatformWal {
  /** Undefined where WAL is kept in the pool alone. */
  remote: RemoteWalStore | undefined
  saved: Pick<SavedConfig, 'wal_store' | 's3_endpoint' | 's3_region'>
  notes: string[]
}

interface PlatformWalRequest {
  home: Home
  environment: Environment
  walStore: WalStoreOptions
  volumes: VolumeDriver
  platformId: string
  onStep: (message: string) => void
}

/**
 * Where WAL is kept. A place that is new has to answer. One that is remembered may be away:
 * databases do not stay down for it, and WAL waits in the pool.
 */
export async function openPlatformWal(request: PlatformWalRequest): Promise<PlatformWal> {
  const { location, before, isNew, saved } = request.walStore
  if (location === undefined) {
    await returnToPool(request)
    return { remote: undefined, saved, notes: [] }
  }
  const notes: string[] = []
  const credentials = await readS3Credentials(request.home, request.environment)
  request.onStep(`Looking at ${renderS3Url(location)}`)
  const isMoved = before !== undefined && renderS3Url(before) !== renderS3Url(location)
  if (isMoved) await requireWhole(request, location)
  try {
    const bucket = createS3Bucket(location, credentials, { attempts: isNew ? undefined : 1 })
    const { isFirst } = await claimBucket(bucket, request.platformId, async () =>
      requireWhole(request, location),
    )
    // All that the pool has is to be uploaded there.
    if (isMoved || isFirst) await forgetRemote(rootOf(request))
  } catch (error) {
    if (isNew || !(error instanceof AppError) || error.code !== 's3_unavailable') throw error
    notes.push(`WAL stays in the pool until it can be uploaded: ${error.message}.`)
  }
  if (isInTheClear(location)) {
    notes.push(`WAL travels to ${location.endpoint} unencrypted; anybody on the way can read it.`)
  }
  const remote = createS3WalStore(createS3Bucket(location, credentials), renderS3Url(location))
  return { remote, saved, notes }
}

/** Another place can only be begun with where the pool has all that was uploaded before. */
async function requireWhole(request: PlatformWalRequest, location: S3Location): Promise<void> {
  const missing = await listRemoteOnly(rootOf(request))
  if (missing.length === 0) return
  throw new AppError(
    'invalid_request',
    `WAL that history needs (${missing.length} files) is in another place than ${renderS3Url(location)}; ` +
      'start with --wal-store local to bring it back, then name the new place',
  )
}

/** What is only in S3 comes back first: without it history would have holes that nobody sees. */
async function returnToPool(request: PlatformWalRequest): Promise<void> {
  const root = rootOf(request)
  const missing = await listRemoteOnly(root)
  if (missing.length > 0) {
    const { before } = request.walStore
    if (before === undefined) {
      throw new AppError(
        'invalid_request',
        `WAL that history needs (${missing.length} files) is in S3 only; start with the --wal-store s3://bucket/prefix that it is in`,
      )
    }
    await requireSpace(
      request,
      missing.reduce((sum, { file }) => sum + file.bytes, 0),
      before,
    )
    request.onStep(`Bringing ${missing.length} files of WAL back from ${renderS3Url(before)}`)
    const credentials = await readS3Credentials(request.home, request.environment)
    const bucket = createS3Bucket(before, credentials)
    await bringBack(root, createS3WalStore(bucket, renderS3Url(before)), missing)
  }
  await forgetRemote(root)
}

async function requireSpace(
  { volumes }: PlatformWalRequest,
  bytes: number,
  from: S3Location,
): Promise<void> {
  const { freeBytes } = await volumes.space()
  if (bytes < freeBytes * mostOfTheFree) return
  throw new AppError(
    'pool_full',
    `${renderSize(bytes)} of WAL would come back from ${renderS3Url(from)}, and the pool has ` +
      `${renderSize(freeBytes)} free; \`coppice pool grow\`, or shorten the projects' history first`,
  )
}

/** Of the free space: computes need some as well. */
const mostOfTheFree = 0.8

const rootOf = ({ volumes }: PlatformWalRequest): string => walDirectory(volumes.root)
