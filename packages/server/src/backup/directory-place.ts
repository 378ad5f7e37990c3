import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { AppError, describeError, errorCode } from '../lib/errors.ts'
import { ifThere, syncFileSystem } from '../lib/files.ts'
import type { BackupPlace } from './place.ts'

/** Files in a directory that only the platform's user can enter: a backup holds secrets. */
export function createDirectoryPlace(root: string): BackupPlace {
  const made = new Set<string>()
  return {
    url: root,
    put: async (key, body) =>
      explain(root, async () => {
        const path = join(root, key)
        const directory = dirname(path)
        if (!made.has(directory)) await mkdir(directory, { recursive: true, mode: 0o700 })
        made.add(directory)
        const beside = `${path}.${randomBytes(4).toString('hex')}.tmp`
        try {
          // Before it has its name: the next backup trusts what it finds, also after a power cut.
          await writeFile(beside, body, { flag: 'wx', mode: 0o600, flush: true })
          await rename(beside, path)
        } catch (error) {
          await rm(beside, { force: true })
          throw error
        }
      }),
    get: async (key) => explain(root, async () => ifThere(readFile(join(root, key)))),
    list: async (prefix) => {
      const entries = await explain(root, async () =>
        ifThere(readdir(join(root, prefix), { recursive: true, withFileTypes: true })),
      )
      return (entries ?? [])
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
        .toSorted()
    },
    remove: async (keys) => {
      for (const key of keys) await rm(join(root, key), { force: true })
    },
    flush: async () => syncFileSystem(root),
    close: () => undefined,
  }
}

/** What only the operator can mend. */
async function explain<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined || !['ENOSPC', 'EACCES', 'EROFS', 'ENOTDIR', 'EDQUOT'].includes(code)) {
      throw error
    }
    throw new AppError('invalid_request', `${root} cannot be used: ${describeError(error)}`)
  }
}
