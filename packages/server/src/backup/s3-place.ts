import { renderS3Url } from '@coppice/s3/location'

import type { S3Bucket } from '../history/s3-bucket.ts'
import type { BackupPlace } from './place.ts'

/** Objects below a location of S3. */
export function createS3Place(bucket: S3Bucket): BackupPlace {
  return {
    url: renderS3Url(bucket.location),
    put: async (key, body) => bucket.put(key, body),
    get: async (key) => {
      const pieces: Uint8Array[] = []
      const isThere = await bucket.read(key, async (arriving) => {
        pieces.length = 0
        for await (const piece of arriving) pieces.push(piece)
      })
      return isThere ? Buffer.concat(pieces) : undefined
    },
    list: async (prefix) => bucket.list(prefix),
    remove: async (keys) => bucket.remove(keys),
    flush: async () => undefined,
    close: () => bucket.close(),
  }
}
