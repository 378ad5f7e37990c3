import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { CliError } from '../errors.ts'
import { errnoOf } from '../platform.ts'
import type { ArchiveDirectory, ArchivePlace } from './place.ts'

/** A place on this machine. */
export function openDirectoryPlace(root: string): ArchivePlace {
  return {
    directory: (name) => openDirectory(join(root, name)),
    directories: async () => (await listDirectories(root)).map(openDirectory),
  }
}

function openDirectory(path: string): ArchiveDirectory {
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
    async readRange(name, start, end) {
      const handle = await open(join(path, name))
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), {
          position: start,
        })
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },
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

/** Directories below `root` that could hold archives. */
async function listDirectories(root: string): Promise<string[]> {
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
