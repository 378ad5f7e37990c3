import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { isAlive, type TestPlatform } from '../platform.ts'
import { storePid } from './processes.ts'

/** libfaketime as Debian and Ubuntu install it (package `faketime`); undefined where it is not. */
function findLibrary(): string | undefined {
  const root = '/usr/lib'
  if (!existsSync(root)) return undefined
  return ['.', ...readdirSync(root)]
    .map((directory) => join(root, directory, 'faketime', 'libfaketimeMT.so.1'))
    .find((path) => existsSync(path))
}

const sharedMemory = '/dev/shm'

export const hasFalseClock = findLibrary() !== undefined

/**
 * A clock that a test sets, for the daemon, its gateway and its store. Computes keep the machine's, and so
 * does what measures how long something takes, as where somebody sets a machine's clock.
 */
export class FalseClock {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async make(): Promise<FalseClock> {
    const clock = new FalseClock(await mkdtemp(join(tmpdir(), 'coppice-clock-')))
    await clock.set(0)
    await chmod(clock.#directory, 0o755)
    return clock
  }

  get #file(): string {
    return join(this.#directory, 'offset')
  }

  get #environment(): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: findLibrary(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Of files the kernel writes when they were changed.
      NO_FAKE_STAT: '1',
    }
  }

  /** From now on it is so much later than it is. */
  async set(seconds: number): Promise<void> {
    const next = join(this.#directory, 'next')
    await writeFile(next, `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 })
    await rename(next, this.#file)
  }

  /** Starts a platform again by this clock. */
  async restart(platform: TestPlatform): Promise<void> {
    const start = commandOf(storePid(platform) ?? 0)
    await platform.down()
    spawn(start.file, start.args, {
      ...start.user,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...this.#environment },
      detached: true,
      stdio: 'ignore',
    }).unref()
    await platform.up(this.#environment)
  }

  /** After all that used it has ended. */
  async discard(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
    // What the library shares among a process and its children, and leaves where that was killed.
    for (const name of await readdir(sharedMemory)) {
      const pid = /^(?:sem\.)?faketime_(?:shm|sem)_(\d+)$/.exec(name)?.[1]
      if (pid !== undefined && !isAlive(Number(pid))) await rm(join(sharedMemory, name))
    }
  }
}

/** What a process was started with, and as whom. */
function commandOf(pid: number): {
  file: string
  args: string[]
  user: { uid: number; gid: number }
} {
  const [file = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .split('\0')
    .filter((part) => part !== '')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const idOf = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { file, args, user: { uid: idOf('Uid'), gid: idOf('Gid') } }
}
