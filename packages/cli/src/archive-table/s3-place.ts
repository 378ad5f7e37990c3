import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { Readable } from 'node:stream'

import { describeS3Error, isNoSuchKey, s3Status } from '@coppice/s3/errors'
import {
  parseS3Location,
  renderS3Url,
  type S3Credentials,
  type S3Location,
  type S3SettingNames,
} from '@coppice/s3/location'
import { S3Requests, uploadTimeoutMs } from '@coppice/s3/requests'

import type { S3Config } from '../config.ts'
import { CliError } from '../errors.ts'
import type { ArchiveDirectory, ArchivePlace } from './place.ts'

/** What is held in memory of a file on its way, once or twice; S3 takes no smaller parts than 5 MB. */
const pieceBytes = 16 * 1024 * 1024
/** S3's limit is 10,000; the rest is for tables that turn out larger than was guessed. */
const partsMeant = 2500
const partsLimit = 10_000
/** S3's own limit of a listing. */
const pageSize = 1000

const advice = {
  credentials: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  region: 'set AWS_REGION',
  bucket: 'name another',
  endpoint: 'AWS_ENDPOINT_URL_S3',
}

const names: S3SettingNames = {
  location: 'The place',
  form: 's3://bucket/prefix',
  region: 'AWS_REGION',
  endpoint: 'AWS_ENDPOINT_URL_S3',
  refuse: (message) => new CliError(`${message}.`),
}

/** A place in S3, or in what speaks like it. Throws CliError where settings lack or are not allowed. */
export function openS3Place(url: string, config: S3Config): ArchivePlace {
  const location = parseS3Location(url, config, names)
  const explain = (error: unknown): CliError =>
    error instanceof CliError
      ? error
      : new CliError(`${describeS3Error(error, location, advice)}.`, { cause: error })
  const requests = new S3Requests({ location, credentials: credentialsOf(config), explain })
  const base = location.prefix === '' ? '' : `${location.prefix}/`
  const directory = (name: string): ArchiveDirectory =>
    openS3Directory(requests, { location, key: base + name, name })
  return {
    directory,
    async directories() {
      const found: string[] = []
      let token: string | undefined
      do {
        const page = await requests.run(async (s3) =>
          s3.listObjectsPaged('/', base, pageSize, token, { delimiter: '/' }),
        )
        for (const { Key } of page?.objects ?? []) if (Key.endsWith('/')) found.push(basename(Key))
        token = page?.nextContinuationToken
      } while (token !== undefined)
      return found.map(directory)
    },
  }
}

function credentialsOf(config: S3Config): S3Credentials {
  const { accessKeyId, secretAccessKey, hasSessionToken } = config
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new CliError('S3 has no credentials.', {
      advice: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    })
  }
  if (hasSessionToken) {
    throw new CliError('Keys that need a session token cannot be used for archives.', {
      advice: 'Use an access key of a user, and unset AWS_SESSION_TOKEN.',
    })
  }
  return { accessKeyId, secretAccessKey }
}

interface Folder {
  location: S3Location
  /** Of the directory, without a slash at its end. */
  key: string
  name: string
}

function openS3Directory(
  requests: S3Requests,
  { location, key: folder, name: own }: Folder,
): ArchiveDirectory {
  const keyOf = (name: string): string => `${folder}/${name}`
  const path = `${renderS3Url(location)}/${own}`
  const readRange = async (name: string, start: number, end: number): Promise<Uint8Array> => {
    const found = await requests.run(async (s3, stayAwake) => {
      try {
        return await collect(await s3.getObjectRaw(keyOf(name), false, start, end), stayAwake)
      } catch (error) {
        // A range from the very end on, which an empty file has nothing but.
        if (s3Status(error) === 416) return new Uint8Array()
        if (isNoSuchKey(error)) return undefined
        throw error
      }
    })
    if (found !== undefined) return found
    throw new CliError(`There is no ${path}/${name}.`, { advice: 'The archive is not whole.' })
  }
  return {
    path,
    async write(name, source, { expectedBytes = 0 } = {}) {
      const partBytes = Math.max(pieceBytes, Math.ceil(expectedBytes / partsMeant))
      const upload = new Upload(requests, keyOf(name))
      try {
        for await (const part of inParts(source, partBytes)) await upload.add(part)
        await upload.complete()
      } catch (error) {
        await upload.abort()
        throw error
      }
    },
    read: (name) => Readable.from(inRanges(name, readRange), { objectMode: false }),
    readRange,
    readText: async (name) =>
      requests.run(async (s3) => (await s3.getObject(keyOf(name))) ?? undefined),
    remove: async (name) => {
      await requests.run(async (s3) => s3.deleteObject(keyOf(name)))
    },
  }
}

/** Each range is whole before it is passed on, so one that breaks off is simply asked for again. */
async function* inRanges(
  name: string,
  readRange: ArchiveDirectory['readRange'],
): AsyncGenerator<Uint8Array> {
  for (let start = 0; ; start += pieceBytes) {
    const range = await readRange(name, start, start + pieceBytes)
    if (range.byteLength > 0) yield range
    if (range.byteLength < pieceBytes) return
  }
}

async function collect(answer: Response, stayAwake: () => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body ?? []) {
    stayAwake()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** All but the last have this size: some services want no others. */
async function* inParts(
  source: AsyncIterable<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const chunk of source) {
    held.push(chunk)
    heldBytes += chunk.byteLength
    if (heldBytes <= partBytes) continue
    const joined = Buffer.concat(held)
    let start = 0
    for (; joined.byteLength - start > partBytes; start += partBytes) {
      yield joined.subarray(start, start + partBytes)
    }
    held = [joined.subarray(start)]
    heldBytes = joined.byteLength - start
  }
  yield Buffer.concat(held)
}

/** What was sent is what arrives: every service checks this header. */
const checked = (body: Uint8Array): Record<string, string> => ({
  'content-md5': createHash('md5').update(body).digest('base64'),
})

/**
 * One object on its way: a single request where it has a single part, else a multipart upload, which
 * shows nothing of the object before it is complete. A part is sent while the next one is made.
 */
class Upload {
  readonly #requests: S3Requests
  readonly #key: string
  #id: string | undefined
  #waiting: Uint8Array | undefined
  #sending: Promise<void> = Promise.resolve()
  readonly #parts: Array<{ partNumber: number; etag: string }> = []
  #count = 0

  constructor(requests: S3Requests, key: string) {
    this.#requests = requests
    this.#key = key
  }

  async add(part: Uint8Array): Promise<void> {
    const before = this.#waiting
    this.#waiting = part
    if (before !== undefined) await this.#send(before)
  }

  async complete(): Promise<void> {
    const last = this.#waiting ?? new Uint8Array()
    const key = this.#key
    if (this.#id === undefined) {
      await this.#requests.run(async (s3) => {
        const answer = await s3.putObject(key, last, undefined, undefined, checked(last))
        await answer.body?.cancel()
      }, uploadTimeoutMs(last.byteLength))
      return
    }
    await this.#send(last)
    await this.#sending
    const id = this.#id
    const { etag } = await this.#requests.run(async (s3) =>
      s3.completeMultipartUpload(key, id, this.#parts),
    )
    // The service may answer 200 and say in the answer that it could not.
    if (!etag) throw new CliError(`S3 did not put ${key} together.`, { exitCode: 2 })
  }

  /** Leaves nothing of it, where the service can still be reached. */
  async abort(): Promise<void> {
    await this.#sending.catch(() => undefined)
    const id = this.#id
    if (id === undefined) return
    await this.#requests
      .run(async (s3) => s3.abortMultipartUpload(this.#key, id))
      // What made it end is the error to tell; the next write of the same name removes it.
      .catch(() => undefined)
  }

  async #send(part: Uint8Array): Promise<void> {
    await this.#sending
    const partNumber = ++this.#count
    if (partNumber > partsLimit) {
      throw new CliError(
        `The table is larger than was to be expected: S3 takes ${partsLimit} parts.`,
        {
          advice: 'Archive it to a directory (--to), and copy that.',
        },
      )
    }
    const id = await this.#open()
    this.#sending = this.#requests.run(async (s3) => {
      const sent = await s3.uploadPart(
        this.#key,
        id,
        part,
        partNumber,
        {},
        undefined,
        checked(part),
      )
      this.#parts.push(sent)
    }, uploadTimeoutMs(part.byteLength))
    // Awaited before the next part, and told there.
    this.#sending.catch(() => undefined)
  }

  async #open(): Promise<string> {
    if (this.#id !== undefined) return this.#id
    await abortUploads(this.#requests, this.#key)
    this.#id = await this.#requests.run(async (s3) => s3.getMultipartUploadId(this.#key))
    return this.#id
  }
}

interface ListedUpload {
  Key?: unknown
  UploadId?: unknown
}

/** Ends uploads of this name that a run which was killed has left: services charge for their parts. */
async function abortUploads(requests: S3Requests, key: string): Promise<void> {
  const answer: object = await requests.run(async (s3) =>
    s3.listMultipartUploads('/', '', 'GET', { prefix: key }),
  )
  // The library's type for it is another than what services answer.
  const { Upload: found } = ((answer as { ListMultipartUploadsResult?: object })
    .ListMultipartUploadsResult ?? {}) as { Upload?: ListedUpload | ListedUpload[] }
  for (const { Key, UploadId } of [found ?? []].flat()) {
    if (Key !== key || typeof UploadId !== 'string') continue
    await requests.run(async (s3) => s3.abortMultipartUpload(key, UploadId))
  }
}
