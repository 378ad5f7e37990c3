import { mkdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'

import { run, until } from '../platform.ts'

const megabyte = 1024 ** 2
/** From the first that fits to the smallest that is of any use to anybody. */
const pieces = [256 * megabyte, 16 * megabyte, megabyte, 64 * 1024, 4096]

/** Takes all that is free on the file system of a directory, in files of its own. */
export class Ballast {
  readonly #directory: string
  #files = 0

  constructor(below: string) {
    this.#directory = join(below, 'ballast')
  }

  /** May be called again, for what has become free since. */
  async fill(): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    for (const bytes of pieces) {
      while (await this.#take(bytes));
    }
  }

  async #take(bytes: number): Promise<boolean> {
    const path = join(this.#directory, String(this.#files++))
    return run('fallocate', ['-l', String(bytes), path]).then(
      () => true,
      async () => {
        await rm(path, { force: true })
        return false
      },
    )
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}

export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/** A disk of some size, mounted where nothing is yet. */
export class SmallDisk {
  readonly #image: string
  readonly #mountPoint: string

  private constructor(image: string, mountPoint: string) {
    this.#image = image
    this.#mountPoint = mountPoint
  }

  static async mount(image: string, mountPoint: string, megabytes: number): Promise<SmallDisk> {
    await mkdir(mountPoint, { recursive: true })
    const disk = new SmallDisk(image, mountPoint)
    try {
      await run('truncate', ['-s', `${megabytes}M`, image])
      // Nothing is kept for root, and nothing is put off.
      await run('mkfs.ext4', ['-q', '-m', '0', '-E', 'lazy_itable_init=0', image])
      await run('mount', ['-o', 'loop', image, mountPoint])
      return disk
    } catch (error) {
      await disk.discard()
      throw error
    }
  }

  /** After all that uses it has ended. May be called twice. */
  async discard(): Promise<void> {
    const isUnmounted = async (): Promise<boolean> => {
      const isMounted = await run('mountpoint', ['-q', this.#mountPoint]).then(
        () => true,
        () => false,
      )
      return (
        !isMounted ||
        run('umount', [this.#mountPoint]).then(
          () => true,
          () => false,
        )
      )
    }
    await until(isUnmounted, `${this.#mountPoint} is unmounted`)
    await rm(this.#image, { force: true })
  }
}
