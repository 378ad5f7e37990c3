import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { S3mini, S3ServiceError } from 's3mini'

import { explainS3Error, isTransient, s3Code } from './s3-errors.ts'
import type { S3Credentials, S3Location } from './s3-location.ts'

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

const defaultAttempts = 3
const firstRetryMs = 200
/** Without a byte of the answer. */
const silenceMs = 30_000
/** The slowest upload that is waited for: a segment takes some minutes. */
const leastUploadBytesPerMs = 64
/** S3's own limit, of a listing and of a removal. */
const batchSize = 1000

export function createS3Bucket(
  location: S3Location,
  credentials: S3Credentials,
  options: { attempts?: number | undefined } = {},
): S3Bucket {
  const requests = new Requests(location, credentials, options.attempts ?? defaultAttempts)
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
      const timeoutMs = silenceMs + body.byteLength / leastUploadBytesPerMs
      await requests.run(async (s3) => {
        const answer = await s3.putObject(base + key, body, undefined, undefined, headers)
        await answer.body?.cancel()
      }, timeoutMs)
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
          throw explainS3Error(new S3ServiceError('', 403, 'AccessDenied'), location)
        }
      }
    },
    close: () => requests.close(),
  }
}

type Work<T> = (s3: S3mini, stayAwake: () => void) => Promise<T>

/** Deadlines, retries, and an end for all that is going on. */
class Requests {
  readonly #location: S3Location
  readonly #credentials: S3Credentials
  readonly #attempts: number
  readonly #running = new Set<AbortController>()
  #isClosed = false

  constructor(location: S3Location, credentials: S3Credentials, attempts: number) {
    this.#location = location
    this.#credentials = credentials
    this.#attempts = attempts
  }

  /** `work` is given a client of its own, and may put off the end of its time. */
  async run<T>(work: Work<T>, timeoutMs = silenceMs): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#try(work, timeoutMs)
      } catch (error) {
        if (tried >= this.#attempts || this.#isClosed || !isTransient(error)) {
          throw explainS3Error(error, this.#location)
        }
      }
      // Jitter, so that what failed together is not tried again together.
      await delay(firstRetryMs * 4 ** (tried - 1) * (0.5 + Math.random()))
    }
  }

  close(): void {
    this.#isClosed = true
    for (const controller of this.#running) controller.abort(closed())
  }

  async #try<T>(work: Work<T>, timeoutMs: number): Promise<T> {
    if (this.#isClosed) throw closed()
    const controller = new AbortController()
    this.#running.add(controller)
    const timer = setTimeout(
      () => controller.abort(new Error(`no answer in ${Math.round(timeoutMs / 1000)} s`)),
      timeoutMs,
    )
    try {
      return await work(this.#client(controller.signal), () => timer.refresh())
    } finally {
      clearTimeout(timer)
      this.#running.delete(controller)
    }
  }

  #client(signal: AbortSignal): S3mini {
    const { endpoint, bucket, region } = this.#location
    return new S3mini({
      ...this.#credentials,
      endpoint: `${endpoint}/${bucket}`,
      region,
      fetch: async (input, init) => {
        // Credentials are for this host alone: a redirect is an answer, and is not followed.
        const answer = await fetch(input, { ...init, signal, redirect: 'manual' })
        if (answer.status === 404) await requireNoSuchKey(answer.clone())
        return answer
      },
    })
  }
}

/** To the library everything is empty that is answered by 404; only of an object that is no error. */
async function requireNoSuchKey(answer: Response): Promise<void> {
  const error = new S3ServiceError('', answer.status, undefined, await answer.text())
  if (s3Code(error) !== 'NoSuchKey') throw error
}

const closed = (): Error => new Error('the platform stops')

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
