import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import pino from 'pino'

import { exec, type OsUser } from '../../lib/exec.ts'
import type { Logger } from '../../lib/log.ts'
import { ComputeHost, type ComputeHostOptions } from '../host.ts'
import { findInstallations, type Installation } from '../installations.ts'
import { materializeInstallation } from '../materialize.ts'
import { findDatabaseUser } from '../os-user.ts'
import { findProcessesIn, sendSignal } from '../processes.ts'
import { buildTemplate } from '../template.ts'

/** A directory for one test file that PostgreSQL's user can pass through, with what clusters need. */
export interface Workbench {
  directory: string
  user: OsUser | undefined
  installations: Installation[]
  log: Logger
  /** Makes a data directory from the template of a major version. */
  createCluster(majorVersion: number): Promise<string>
  /** Copies a data directory, of a stopped cluster or as a crash would leave it. */
  copyCluster(dataDirectory: string): Promise<string>
  /** A started host; computes whose names are the same have the same directory. */
  startHost(name?: string, changes?: Partial<ComputeHostOptions>): Promise<ComputeHost>
  /** Ends every process that works in one of the data directories, and removes everything. */
  close(): Promise<void>
}

/** Of each major version that is here one is tested; the newest and the oldest differ most. */
export const majorVersions = [
  ...new Set((await findInstallations()).map((one) => one.majorVersion)),
]

export async function createWorkbench(): Promise<Workbench> {
  const directory = await mkdtemp(join(tmpdir(), 'ccp-'))
  await chmod(directory, 0o711)
  const user = await findDatabaseUser()
  const log = pino({ level: 'silent' })
  const installations = await Promise.all(
    (await findInstallations()).map(async (one) =>
      materializeInstallation(one, join(directory, 'postgres'), user),
    ),
  )
  const templates = new Map<number, Promise<string>>()
  const made: string[] = []
  const hosts: ComputeHost[] = []

  const newDataDirectory = async (): Promise<string> => {
    const path = join(directory, 'data', String(made.length), 'pgdata')
    made.push(path)
    await mkdir(path, { recursive: true, mode: 0o711 })
    await chmod(path, 0o700)
    if (user) await chown(path, user.uid, user.gid)
    return path
  }
  const makeTemplate = async (majorVersion: number): Promise<string> => {
    const installation = installations.find((one) => one.majorVersion === majorVersion)
    if (installation === undefined) throw new Error(`PostgreSQL ${majorVersion} is not here`)
    const path = await newDataDirectory()
    await buildTemplate({ installation, directory: path, user })
    return path
  }
  const copyCluster = async (from: string): Promise<string> => {
    const path = await newDataDirectory()
    await exec('cp', ['-a', `${from}/.`, path])
    return path
  }
  return {
    directory,
    user,
    installations,
    log,
    copyCluster,
    async createCluster(majorVersion) {
      const template = templates.get(majorVersion) ?? makeTemplate(majorVersion)
      templates.set(majorVersion, template)
      return copyCluster(await template)
    },
    async startHost(name = 'host', changes = {}) {
      const host = new ComputeHost({
        directory: join(directory, name),
        runDirectory: join(directory, `${name}-run`),
        installations,
        user,
        log,
        ...changes,
      })
      hosts.push(host)
      await host.start()
      return host
    },
    async close() {
      for (const host of hosts) await host.stop()
      for (const path of made) await endProcessesIn(path)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function endProcessesIn(path: string): Promise<void> {
  const processes = await findProcessesIn(path).catch(() => [])
  for (const { pid } of processes) sendSignal(pid, 'SIGKILL')
}

/** Waits for a condition, checked often, and fails after a deadline. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
