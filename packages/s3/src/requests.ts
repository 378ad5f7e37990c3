import { setTimeout as delay } from 'node:timers/promises'

import { S3mini, S3ServiceError } from 's3mini'

import { isTransient, s3Code } from './errors.ts'
import type { S3Credentials, S3Location } from './location.ts'

export interface S3RequestOptions {
  location: S3Location
  credentials: S3Credentials
  /** How often a request is tried. */
  attempts?: number | undefined
  /** The error that people see for what has failed at last. */
  explain: (error: unknown) => Error
}

type Work<T> = (s3: S3mini, stayAwake: () => void) => Promise<T>

/** Without a byte of the answer. */
const silenceMs = 30_000
/** The slowest upload that is waited for. */
const leastUploadBytesPerMs = 64
const defaultAttempts = 3
const firstRetryMs = 200

/** How long an upload may take. */
export const uploadTimeoutMs = (bytes: number): number => silenceMs + bytes / leastUploadBytesPerMs

/** Requests to S3: deadlines, retries, and an end for all that is going on. */
export class S3Requests {
  readonly #options: S3RequestOptions
  readonly #running = new Set<AbortController>()
  #isClosed = false

  constructor(options: S3RequestOptions) {
    this.#options = options
  }

  /** `work` is given a client of its own, and may put off the end of its time. */
  async run<T>(work: Work<T>, timeoutMs = silenceMs): Promise<T> {
    const { attempts = defaultAttempts, explain } = this.#options
    for (let tried = 1; ; tried++) {
      try {
        return await this.#try(work, timeoutMs)
      } catch (error) {
        if (tried >= attempts || this.#isClosed || !isTransient(error)) throw explain(error)
      }
      // Jitter, so that what failed together is not tried again together.
      await delay(firstRetryMs * 4 ** (tried - 1) * (0.5 + Math.random()))
    }
  }

  /** Ends what is going on: that rejects, and so does what comes after. */
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
    const { endpoint, bucket, region } = this.#options.location
    return new S3mini({
      ...this.#options.credentials,
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

const closed = (): Error => new Error('the program stops')
