import { randomBytes } from 'node:crypto'

import { renderS3Url } from '@coppice/s3/location'

import { AppError } from '../lib/errors.ts'
import type { S3Bucket } from './s3-bucket.ts'

/** Says whose WAL is here. */
const markerKey = 'coppice.json'

/**
 * Tries all that will be needed (to write, read, list and remove), and marks the place as this
 * platform's: two that keep WAL at one place would remove each other's. `onNew` is asked first where
 * nobody's WAL is there. Rejects with AppError `s3_unavailable`, or `invalid_request` where it is another's.
 */
export async function claimBucket(
  bucket: S3Bucket,
  platformId: string,
  onNew: () => Promise<void>,
): Promise<{ isFirst: boolean }> {
  await probe(bucket)
  const text = await readText(bucket, markerKey)
  if (text === undefined) {
    await onNew()
    await bucket.put(markerKey, Buffer.from(JSON.stringify({ platform_id: platformId })))
    return { isFirst: true }
  }
  const owner = ownerIn(text)
  if (owner === platformId) return { isFirst: false }
  throw new AppError(
    'invalid_request',
    `${renderS3Url(bucket.location)} keeps the WAL of another platform (${owner}); ` +
      'name another prefix, or remove what is there',
  )
}

async function probe(bucket: S3Bucket): Promise<void> {
  const key = `probe-${randomBytes(6).toString('hex')}`
  await bucket.put(key, Buffer.from(key))
  const isListed = (await bucket.list(key)).includes(key)
  const isRead = (await readText(bucket, key)) === key
  await bucket.remove([key])
  if (isListed && isRead) return
  throw new AppError(
    's3_unavailable',
    `${renderS3Url(bucket.location)} does not ${isListed ? 'answer with' : 'list'} what was just written to it`,
  )
}

async function readText(bucket: S3Bucket, key: string): Promise<string | undefined> {
  const pieces: Uint8Array[] = []
  const isThere = await bucket.read(key, async (arriving) => {
    pieces.length = 0
    for await (const piece of arriving) pieces.push(piece)
  })
  return isThere ? Buffer.concat(pieces).toString('utf8') : undefined
}

function ownerIn(text: string): string {
  try {
    const { platform_id: id } = JSON.parse(text) as Record<string, unknown>
    if (typeof id === 'string') return id
  } catch {
    // Not one of ours, then.
  }
  return 'unknown'
}
