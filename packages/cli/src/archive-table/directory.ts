import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { CliError } from '../errors.ts'
import { errnoOf } from '../platform.ts'

/** The files of one archive. */
export interface ArchiveDirectory {
  readonly path: string
  /** A name is there with all its bytes on disk, or not at all. */
  write(name: string, source: AsyncIterable<Uint8Array>): Promise<void>
  read(name: string): Readable
  /** Undefined where it is not there. */
  readText(name: string): Promise<string | undefined>
  remove(name: string): Promise<void>
}

export function openDirectory(path: string): ArchiveDirectory {
  return {
    path,
    async write(name, source) {
      const partial = join(path, `${name}.partial`)
      try {
        await mkdir(path, { recursive: true })
        await pipeline(source, createWriteStream(partial, { flush: true }))
        await rename(partial, join(path, name))
        await syncDirectory(path)
      } catch (error) {
        if (errnoOf(error) === undefined) throw error
        throw new CliError(`Cannot write ${partial} (${errnoOf(error)}).`, { cause: error })
      }
    },
    read: (name) => createReadStream(join(path, name)),
    async readText(name) {
      try {
        return await readFile(join(path, name), 'utf8')
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined
        throw new CliError(`Cannot read ${join(path, name)} (${errnoOf(error)}).`, { cause: error })
      }
    },
    remove: async (name) => rm(join(path, name), { force: true }),
  }
}

/** The directory of a table below `root`. Names may hold what a path must not. */
export function directoryOf(
  root: string,
  { schema, name }: { schema: string; name: string },
): string {
  return join(root, encodeURIComponent(`${schema}.${name}`))
}

/** Directories below `root` that could hold archives. */
export async function listDirectories(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(root, name))
      .toSorted()
  } catch (error) {
    throw new CliError(`Cannot read ${root} (${errnoOf(error)}).`, { cause: error })
  }
}

/** So that the new name outlives a crash. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
