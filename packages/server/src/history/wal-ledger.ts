import { mkdir, open, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { isThere, namesIn, syncDirectory } from '../lib/files.ts'
import { inOrder, parseObjectName, renderObjectName } from './wal-object-name.ts'
import { linePattern, type WalFile } from './wal-store.ts'

/**
 * Which files of each line something is true of, kept as the names of empty files: written down when
 * `add` has resolved, read with one look at a directory, and nothing to rewrite as it grows.
 */
export class WalLedger {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async add(line: string, files: readonly WalFile[]): Promise<void> {
    if (files.length === 0) return
    const directory = this.#directory(line)
    const made = await mkdir(directory, { recursive: true, mode: 0o700 })
    for (const file of files) {
      await (await open(join(directory, renderObjectName(file)), 'a', 0o600)).close()
    }
    await syncDirectory(directory)
    if (made === undefined) return
    await syncDirectory(this.#root)
    await syncDirectory(dirname(this.#root))
  }

  async list(line: string): Promise<WalFile[]> {
    const names = await namesIn(this.#directory(line))
    return inOrder(names.flatMap((name) => parseObjectName(name) ?? []))
  }

  /** Those of the files that are not in it. Asks for each: it may know far more than it is asked for. */
  async missing(line: string, files: readonly WalFile[]): Promise<WalFile[]> {
    const directory = this.#directory(line)
    const known = await Promise.all(
      files.map(async (file) => isThere(join(directory, renderObjectName(file)))),
    )
    return files.filter((_, index) => !known[index])
  }

  async remove(line: string, names: readonly string[]): Promise<void> {
    const directory = this.#directory(line)
    const gone = new Set(names)
    const found = await namesIn(directory)
    if (found.length === 0) return
    for (const text of found) {
      if (gone.has(parseObjectName(text)?.name ?? '')) await rm(join(directory, text))
    }
    // What comes back after a power cut would be taken for true.
    await syncDirectory(directory)
    await rmdir(directory).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOTEMPTY') throw error
    })
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    if (!(await isThere(this.#root))) return
    await rm(this.#root, { recursive: true })
    await syncDirectory(dirname(this.#root))
  }

  async lines(): Promise<string[]> {
    return (await namesIn(this.#root)).filter((name) => linePattern.test(name))
  }

  #directory(line: string): string {
    return join(this.#root, line)
  }
}
