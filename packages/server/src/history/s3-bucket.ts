import { createHash } from 'node:crypto'

import { describeS3Error, type S3Advice } from '@coppice/s3/errors'
import type { S3Credentials, S3Location } from '@coppice/s3/location'
import { S3Requests, uploadTimeoutMs } from '@coppice/s3/requests'
import { S3ServiceError } from 's3mini'

import { AppError } from '../lib/errors.ts'

/**
 * Objects below a location, by keys that are relative to it. Every request has a deadline and is tried a
 * few times; what fails then rejects with AppError `s3_unavailable`, which says what to do.
 */
export interface S3Bucket {
  readonly location: S3Location
  /** Resolves once the service has it whole, by its MD5; durable as the service is. */
  put(key: string, body: Uint8Array): Promise<void>
  /**
   * Passes an object on piece by piece, and from its beginning again where that breaks off. False where
   * there is none. Rejects with what `take` rejects with.
   */
  read(key: string, take: (pieces: AsyncIterable<Uint8Array>) => Promise<void>): Promise<boolean>
  /** All keys with a prefix, in order. */
  list(prefix: string, range?: KeyRange): Promise<string[]>
  /** What comes between the location and the next slash. */
  listFolders(): Promise<string[]>
  /** Those that are not there are no error. */
  remove(keys: readonly string[]): Promise<void>
  /** Ends what is going on: that rejects, and so does what comes after. */
  close(): void
}

/** Both ends are left out; compared as text, as S3 does. */
export interface KeyRange {
  after: string
  before: string
}

/** S3's own limit, of a listing and of a removal. */
const batchSize = 1000

const adviceOfWal: S3Advice = {
  credentials: 'COPPICE_S3_ACCESS_KEY_ID and COPPICE_S3_SECRET_ACCESS_KEY',
  region: 'give the right one with --s3-region',
  bucket: 'name another with --wal-store',
  endpoint: '--s3-endpoint',
}

export function createS3Bucket(
  location: S3Location,
  credentials: S3Credentials,
  options: { attempts?: number | undefined; advice?: S3Advice } = {},
): S3Bucket {
  const { attempts, advice = adviceOfWal } = options
  const explain = (error: unknown): AppError =>
    error instanceof AppError
      ? error
      : new AppError('s3_unavailable', describeS3Error(error, location, advice))
  const requests = new S3Requests({ location, credentials, explain, attempts })
  const base = location.prefix === '' ? '' : `${location.prefix}/`

  const listAll = async (
    prefix: string,
    query: Record<string, string>,
    isLast: (key: string) => boolean = () => false,
  ): Promise<string[]> => {
    const found: string[] = []
    let token: string | undefined
    do {
      const page = await requests.run(async (s3) =>
        s3.listObjectsPaged('/', base + prefix, batchSize, token, query),
      )
      for (const { Key } of page?.objects ?? []) found.push(Key.slice(base.length))
      token = isLast(found.at(-1) ?? '') ? undefined : page?.nextContinuationToken
    } while (token !== undefined)
    return found
  }

  return {
    location,
    put: async (key, body) => {
      // Every service knows this header, whatever it makes of newer checksums.
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
      await requests.run(async (s3) => {
        const answer = await s3.putObject(base + key, body, undefined, undefined, headers)
        await answer.body?.cancel()
      }, uploadTimeoutMs(body.byteLength))
    },
    read: async (key, take) => {
      const outcome = await requests.run(async (s3, stayAwake) => {
        const answer = await s3.getObjectResponse(base + key)
        if (!answer?.body) return { isThere: false }
        const transfer = new Transfer(answer.body, stayAwake)
        try {
          await take(transfer.pieces())
          return { isThere: true }
        } catch (error) {
          if (transfer.hasBroken) throw error
          return { isThere: true, error }
        }
      })
      if ('error' in outcome) throw outcome.error
      return outcome.isThere
    },
    list: async (prefix, range) => {
      if (range === undefined) return listAll(prefix, {})
      const query = { 'start-after': base + range.after }
      const keys = await listAll(prefix, query, (key) => key >= range.before)
      return keys.filter((key) => key < range.before)
    },
    listFolders: async () => {
      const keys = await listAll('', { delimiter: '/' })
      return keys.filter((key) => key.endsWith('/')).map((key) => key.slice(0, -1))
    },
    remove: async (keys) => {
      for (let from = 0; from < keys.length; from += batchSize) {
        const batch = keys.slice(from, from + batchSize).map((key) => base + key)
        const removed = await requests.run(async (s3) => s3.deleteObjects(batch))
        // The service answers 200 with an error for each, which the library keeps to itself.
        if (removed.includes(false)) {
          throw explain(new S3ServiceError('', 403, 'AccessDenied'))
        }
      }
    },
    close: () => requests.close(),
  }
}

/** An answer's body on its way to where it is wanted: tells which of the two has failed. */
class Transfer {
  readonly #body: ReadableStream<Uint8Array>
  readonly #onPiece: () => void
  hasBroken = false

  constructor(body: ReadableStream<Uint8Array>, onPiece: () => void) {
    this.#body = body
    this.#onPiece = onPiece
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const reader = this.#body.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          this.hasBroken = true
          throw error
        })
        if (done) return
        this.#onPiece()
        yield value
      }
    } finally {
      await reader.cancel().catch(() => undefined)
    }
  }
}
