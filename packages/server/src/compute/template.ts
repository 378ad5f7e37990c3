import { access, chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { exec, type OsUser } from '../lib/exec.ts'
import { writeFileAtomically } from '../lib/files.ts'
import { superuserName } from './access-files.ts'
import { configFilePath, writeConfigFiles } from './config-files.ts'
import type { Installation } from './installations.ts'
import { startPostmaster, stopPostmaster } from './postmaster.ts'
import { type ComputeSpec, plainSpec } from './spec.ts'
import { clusterAt } from './superuser.ts'
import { prepareTemplate } from './template-sql.ts'

export interface TemplateOptions {
  installation: Installation
  /** The data directory to be made; its parent exists. */
  directory: string
  /** That PostgreSQL runs as. */
  user: OsUser | undefined
}

/** Raised when what a template holds changes, so that those of an older platform are not used. */
export const templateRevision = 3

/**
 * WAL segments of 2 MB instead of 16. Every promotion of a clone writes one whole segment, zeros
 * included, which is time on its way to the first query and space that only it holds.
 */
const walSegmentMegabytes = 2

/** In the data directory, so that clones carry it too: what they were made from. Written last. */
const markerName = 'coppice-template.json'

/** initdb writes some 40 MB and flushes them. */
const initdbTimeoutMs = 5 * 60_000

const stopTimeoutMs = 60_000

/**
 * Makes the cluster that projects are cloned from: initdb, then what every cluster of ours has
 * (`template-sql.ts`), then a clean shutdown. Does nothing where a whole one of this revision and major
 * version is already, and starts over where one is half made.
 */
export async function buildTemplate(options: TemplateOptions): Promise<void> {
  const { directory, installation, user } = options
  if (await isWhole(directory)) return
  await emptyOwnDirectory(directory, user)
  await runInitdb(options)
  await prepareCluster(options)
  const marker = { revision: templateRevision, pg_version: installation.version }
  await writeFileAtomically(join(directory, markerName), `${JSON.stringify(marker)}\n`)
  if (user) await chown(join(directory, markerName), user.uid, user.gid)
}

async function isWhole(directory: string): Promise<boolean> {
  return access(join(directory, markerName)).then(
    () => true,
    () => false,
  )
}

async function emptyOwnDirectory(directory: string, user: OsUser | undefined): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const name of await readdir(directory)) {
    await rm(join(directory, name), { recursive: true, force: true })
  }
  await chmod(directory, 0o700)
  if (user) await chown(directory, user.uid, user.gid)
}

async function runInitdb(options: TemplateOptions): Promise<void> {
  try {
    await initdb(options, 'C.UTF-8')
  } catch (error) {
    // macOS and older systems have no such locale. Text is UTF-8 and sorts by code point all the same.
    if (!(error instanceof Error) || !error.message.includes('invalid locale name')) throw error
    await emptyOwnDirectory(options.directory, options.user)
    await initdb(options, 'C')
  }
}

async function initdb(
  { installation, directory, user }: TemplateOptions,
  locale: string,
): Promise<void> {
  const builtin = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const args = [
    `--pgdata=${directory}`,
    `--username=${superuserName}`,
    '--encoding=UTF8',
    `--locale=${locale}`,
    ...(installation.majorVersion >= 17 ? builtin : []),
    '--data-checksums',
    `--wal-segsize=${walSegmentMegabytes}`,
    '--auth-local=peer',
    '--auth-host=scram-sha-256',
  ]
  await exec(join(installation.binDirectory, 'initdb'), args, { user, timeoutMs: initdbTimeoutMs })
}

async function prepareCluster({ installation, directory, user }: TemplateOptions): Promise<void> {
  // Short, since a socket lies in it; searchable, since PostgreSQL's user has to pass.
  const scratch = await mkdtemp(join(tmpdir(), 'coppice-'))
  try {
    await chmod(scratch, 0o711)
    const place = { directory: scratch, socketDirectory: join(scratch, 's'), user }
    await writeConfigFiles(templateSpec(installation, directory), place, installation)
    const postmaster = await startPostmaster({
      binDirectory: installation.binDirectory,
      dataDirectory: directory,
      configFile: configFilePath(scratch),
      logFile: join(scratch, 'postgres.log'),
      user,
    })
    try {
      await prepareTemplate(clusterAt(postmaster.socketDirectory), installation)
    } finally {
      await stopPostmaster(postmaster.pid, {
        dataDirectory: directory,
        fastTimeoutMs: stopTimeoutMs,
      })
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function templateSpec(installation: Installation, dataDirectory: string): ComputeSpec {
  return {
    ...plainSpec,
    endpointId: 'template',
    dataDirectory,
    pgVersion: installation.majorVersion,
  }
}
