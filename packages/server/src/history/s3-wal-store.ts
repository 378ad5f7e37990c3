import { createWriteStream } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { constants, createGunzip, gzip } from 'node:zlib'

import { assert } from '../lib/assert.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { inOrder, parseObjectName, renderObjectName } from './wal-object-name.ts'
import { linePattern, type WalFile, type WalStore } from './wal-store.ts'

/** A store somewhere else, which may not answer. */
export interface RemoteWalStore extends WalStore {
  /** For people: `s3://bucket/prefix`. */
  readonly url: string
  /** Ends what is going on: that rejects, and so does what comes after. */
  close(): void
}

const compress = promisify(gzip)

/** The first level takes most of what there is to take, above all zeros (decision 16). */
const gzipOptions = { level: constants.Z_BEST_SPEED }

/**
 * WAL in a bucket: `<line>/<name>.<bytes>.<written at>.gz`. One listing tells all of a thousand files; an
 * object is written whole or not at all, and gzip's checksum says whether it came back as it went.
 */
export function createS3WalStore(bucket: S3Bucket, url: string): RemoteWalStore {
  const folder = (line: string): string => {
    assert(linePattern.test(line), 'a line is named as its volume')
    return `${line}/`
  }
  const listObjects = async (prefix: string, range?: { first: string; last: string }) => {
    // A file's objects come between its bare name and its name with a slash: a dot is before that.
    const between = range && { after: prefix + range.first, before: `${prefix}${range.last}/` }
    const keys = await bucket.list(prefix, between)
    return keys.flatMap((key) => {
      const file = parseObjectName(key.slice(key.indexOf('/') + 1))
      return file ? [{ key, file }] : []
    })
  }
  return {
    url,
    put: async (line, file) => {
      const key = folder(line) + renderObjectName(file)
      await bucket.put(key, await compress(await readFile(file.path), gzipOptions))
    },
    list: async (line) => inOrder((await listObjects(folder(line))).map(({ file }) => file)),
    fetch: async (line, file, path) => {
      const isThere = await download(bucket, folder(line) + renderObjectName(file), path)
      if (!isThere) throw new Error(`WAL file ${file.name} of ${line} is not in ${url}`)
      await checkSize(path, file)
    },
    remove: async (line, names) => {
      const wanted = new Set(names)
      const [first, last] = [names.toSorted().at(0), names.toSorted().at(-1)]
      if (first === undefined || last === undefined) return
      const found = await listObjects(folder(line), { first, last })
      await bucket.remove(found.filter(({ file }) => wanted.has(file.name)).map(({ key }) => key))
    },
    removeLine: async (line) => bucket.remove(await bucket.list(folder(line))),
    // An object is there whole or not at all.
    sweep: async () => undefined,
    lines: async () => (await bucket.listFolders()).filter((name) => linePattern.test(name)),
    close: () => bucket.close(),
  }
}

async function download(bucket: S3Bucket, key: string, path: string): Promise<boolean> {
  try {
    return await bucket.read(key, async (pieces) =>
      pipeline(pieces, createGunzip(), createWriteStream(path)),
    )
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

async function checkSize(path: string, { name, bytes }: WalFile): Promise<void> {
  const { size } = await stat(path)
  if (size === bytes) return
  await rm(path, { force: true })
  throw new Error(`WAL file ${name} came back with ${size} bytes instead of ${bytes}`)
}
