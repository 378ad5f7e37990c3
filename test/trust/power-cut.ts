import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { run, startTestPlatform, type TestPlatform, until } from '../platform.ts'
import { killEverything } from './processes.ts'

/** Of the disk that the machine is thought to have; sparse. */
const diskSize = '16G'

/**
 * A machine whose power can be cut: its disk is a btrfs of its own, with the platform's state directory as a
 * subvolume, pool image and all. A snapshot of that is what a power cut leaves: whatever was flushed before
 * is there, of the rest some, in no order. The processes go on until the snapshot takes the directory's
 * place.
 */
export class Machine {
  readonly platform: TestPlatform
  readonly #disk: string
  readonly #image: string

  private constructor(platform: TestPlatform, disk: string, image: string) {
    this.platform = platform
    this.#disk = disk
    this.#image = image
  }

  static async start(env: NodeJS.ProcessEnv = {}): Promise<Machine> {
    const disk = await mkdtemp(join(tmpdir(), 'coppice-disk-'))
    const image = `${disk}.img`
    await run('truncate', ['-s', diskSize, image])
    await run('mkfs.btrfs', ['--quiet', image])
    await run('mount', ['-o', 'loop,noatime', image, disk])
    try {
      const home = join(disk, 'home')
      await run('btrfs', ['subvolume', 'create', home])
      return new Machine(await startTestPlatform({ home, env }), disk, image)
    } catch (error) {
      await discard(disk, image)
      throw error
    }
  }

  /** Cuts the power at this moment. What is acknowledged later is of a world that has never been. */
  async cut(): Promise<void> {
    await run('btrfs', ['subvolume', 'snapshot', this.platform.home, join(this.#disk, 'cut')])
  }

  /** Stops what goes on without power, and starts again from what the cut has left. */
  async restart(): Promise<void> {
    const { home } = this.platform
    await killEverything(this.platform)
    await unmount(join(home, 'pool'))
    const lost = join(this.#disk, 'lost')
    await rename(home, lost)
    await rename(join(this.#disk, 'cut'), home)
    await run('btrfs', ['subvolume', 'delete', lost])
    await this.platform.up()
  }

  /** After the platform itself was removed. */
  async discard(): Promise<void> {
    await discard(this.#disk, this.#image)
  }
}

async function discard(disk: string, image: string): Promise<void> {
  await unmount(disk)
  await rm(image, { force: true })
  await rm(disk, { recursive: true, force: true })
}

/** A process that was killed a moment ago may still be let go of. */
async function unmount(path: string): Promise<void> {
  const isUnmounted = async (): Promise<boolean> =>
    run('umount', [path]).then(
      () => true,
      async () =>
        run('mountpoint', ['-q', path]).then(
          () => false,
          () => true,
        ),
    )
  await until(isUnmounted, `${path} is unmounted`)
}
