import { chmod, constants, open, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { superuserName } from '../compute/access-files.ts'
import { readControlFile } from '../compute/pg-control.ts'
import { renderSetting } from '../compute/pg-settings.ts'
import { localeSettings } from '../compute/settings.ts'
import type { EjectedCluster } from '../control/backup/prepare-eject.ts'
import { assert } from '../lib/assert.ts'
import { type Environment, hideSecrets } from '../lib/config.ts'
import { AppError, describeError } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'
import { namesIn, syncFileSystem } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'
import { readOwner } from './eject-owner.ts'
import { renderEjectReadme } from './eject-readme.ts'
import { openHold } from './hold-socket.ts'
import { emit } from './output.ts'

interface EjectFlags {
  project?: string | undefined
  branch?: string | undefined
  to?: string | undefined
  owner?: string | undefined
}

// At the 100 MB/s of a slow disk, 4 TB.
const copyTimeoutMs = 12 * 3_600_000

/** `eject --project --branch --to`: a branch's data as a data directory for any PostgreSQL of its version. */
export async function ejectCommand(
  home: Home,
  environment: Environment,
  flags: EjectFlags,
): Promise<Record<string, unknown>> {
  hideSecrets()
  const directory = await requireEmpty(flags.to)
  const owner = await readOwner(flags.owner, environment)
  const hold = await openHold(home)
  try {
    emit({ event: 'step', message: 'Stopping a clone of the branch in order' })
    const ejected = await hold.ask<EjectedCluster>('eject', {
      project_id: flags.project,
      branch_id: flags.branch,
    })
    emit({ event: 'step', message: `Copying it to ${directory}` })
    await inOwnDirectory(directory, async (place) => {
      await copyTo(place, ejected)
      await writePlainFiles(place, { ...ejected, directory }, owner.name)
      await giveToOwner(place, owner.spec)
      const { state } = await readControlFile(place)
      assert(state === 'shut down', 'an ejected cluster was stopped in order')
    })
    return {
      directory,
      branch: ejected.branch,
      pg_version: ejected.pg_version,
      readme: join(directory, readmeName),
    }
  } finally {
    hold.end()
  }
}

const readmeName = 'README.md'

async function requireEmpty(to: string | undefined): Promise<string> {
  if (to === undefined || to === '') {
    throw new AppError('invalid_request', 'say where to: --to <directory>')
  }
  const directory = resolve(to)
  if ((await namesIn(directory)).length === 0) return directory
  throw notEmpty(directory)
}

const notEmpty = (directory: string): AppError =>
  new AppError('invalid_request', `${directory} is not empty; name a new directory`)

/**
 * Root's directory is root's alone until it is whole, and goes by what was opened: whoever owns it, or one
 * above, could have links in it, or one in its place.
 */
async function inOwnDirectory(
  directory: string,
  work: (place: string) => Promise<void>,
): Promise<void> {
  await exec('mkdir', ['-p', directory])
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return work(directory)
  const opened = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await opened.chown(0, 0)
    await opened.chmod(0o700)
    const place = `/proc/${process.pid}/fd/${opened.fd}`
    if ((await namesIn(place)).length > 0) throw notEmpty(directory)
    await work(`${place}/.`)
  } finally {
    await opened.close()
  }
}

async function copyTo(
  directory: string,
  { data_directory: source }: EjectedCluster,
): Promise<void> {
  const flags = process.platform === 'darwin' ? ['-R', '-p'] : ['-a', '--reflink=auto']
  try {
    await exec('cp', [...flags, `${source}/.`, directory], { timeoutMs: copyTimeoutMs })
    await chmod(directory, 0o700)
  } catch (error) {
    throw new AppError(
      'invalid_request',
      `the copy to ${directory} failed and may be there in part: ${describeError(error)}`,
    )
  }
}

/** Instead of what the platform has outside of the data directory. */
async function writePlainFiles(
  place: string,
  ejected: EjectedCluster & { directory: string },
  owner: string | undefined,
): Promise<void> {
  for (const name of ['coppice-template.json', 'postmaster.opts']) {
    await rm(join(place, name), { force: true })
  }
  const files = {
    'postgresql.conf': renderConf(ejected),
    'postgresql.auto.conf': '',
    'pg_hba.conf': [
      `# The superuser ${superuserName} from the OS users that pg_ident.conf names; everybody else by password.`,
      `local  all  ${superuserName}  peer map=superuser`,
      'local  all  all  scram-sha-256',
      'host   all  all  127.0.0.1/32  scram-sha-256',
      'host   all  all  ::1/128       scram-sha-256',
    ],
    'pg_ident.conf': [...new Set(['postgres', ...(owner === undefined ? [] : [owner])])].map(
      (name) => `superuser  "${name}"  ${superuserName}`,
    ),
    [readmeName]: renderEjectReadme({ superuser: superuserName, ...ejected }),
  }
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : `${content.join('\n')}\n`
    await writeFile(join(place, name), text, { mode: 0o600 })
  }
}

function renderConf({ branch, pg_settings: settings }: EjectedCluster): string {
  const same = { ...localeSettings, password_encryption: 'scram-sha-256' }
  const render = (group: Record<string, string>): string[] =>
    Object.entries(group).map(([name, value]) => renderSetting(name, value))
  return [
    `# Branch ${JSON.stringify(branch)} of Coppice. Everything that is not here is PostgreSQL's default.`,
    ...render(same),
    ...(Object.keys(settings).length === 0
      ? []
      : ['', '# Set on the branch:', ...render(settings)]),
    '',
    '# Loaded on the platform; uncomment what the server here has (the contrib package).',
    "#shared_preload_libraries = 'pg_stat_statements'",
    '',
  ].join('\n')
}

async function giveToOwner(directory: string, spec: string | undefined): Promise<void> {
  if (spec !== undefined) {
    await exec('chown', ['-R', spec, directory], { timeoutMs: copyTimeoutMs })
  }
  await syncFileSystem(directory)
}
