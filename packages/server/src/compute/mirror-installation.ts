/**
 * A server that the host's packages own, with control files of the platform's.
 *
 * PostgreSQL finds its files from where its program lies. So the program is copied, and around it the
 * tree that it expects is made of symbolic links, all to the host's files but for the control files that
 * the platform changes. Nothing of the host's is changed, and its updates take effect with the next start
 * of the platform, which makes the mirror anew.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { isThere } from '../lib/files.ts'
import { changeControlFile } from './extensions.ts'
import type { Installation } from './installations.ts'
import { sessionJwtFiles } from './session-jwt.ts'

const markerName = '.coppice-mirror.json'
const controlSuffix = '.control'

/**
 * Makes or renews the mirror at `target` and answers its directory of programs; undefined where the
 * installation is of a shape that is not known, and is to be used in place.
 */
export async function mirrorInstallation(
  { binDirectory, majorVersion }: Installation,
  target: string,
  trustedToo: readonly string[],
): Promise<string | undefined> {
  const share = await findShareDirectory(binDirectory, majorVersion)
  if (share === undefined) return undefined
  const extensions = join(share, 'extension')
  const ancestor = commonAncestor(binDirectory, extensions)
  const marker = await describeSource(binDirectory, extensions, trustedToo)
  if ((await readIfThere(join(target, markerName))) !== marker) {
    const beside = `${target}.${randomBytes(4).toString('hex')}.tmp`
    try {
      await mirror(ancestor, beside, [
        { path: splitPath(ancestor, binDirectory), fill: copyProgram },
        {
          path: splitPath(ancestor, extensions),
          fill: (from, to) => fillExtensions(from, to, trustedToo),
        },
      ])
      await writeFile(join(beside, markerName), marker)
      await replace(beside, target)
    } finally {
      await rm(beside, { recursive: true, force: true })
    }
  }
  return join(target, relative(ancestor, binDirectory))
}

/** Changes the control files of a copy that is the platform's own. May be repeated. */
export async function trustExtensions(
  shareDirectory: string,
  trustedToo: readonly string[],
): Promise<void> {
  const directory = join(shareDirectory, 'extension')
  for (const name of await readdir(directory)) {
    if (!name.endsWith(controlSuffix)) continue
    const path = join(directory, name)
    const before = await readFile(path, 'utf8')
    const after = changeControlFile(basename(name, controlSuffix), before, trustedToo)
    if (after !== undefined && after !== before) await writeFile(path, after)
  }
  await addOwnExtension(directory)
}

/** Of a directory of programs, as distributions have it; its mark is a file that initdb reads. */
export async function findShareDirectory(
  binDirectory: string,
  majorVersion: number,
): Promise<string | undefined> {
  const prefix = dirname(binDirectory)
  const candidates = [
    join(prefix, 'share'),
    join(prefix, 'share', 'postgresql'),
    // Homebrew.
    join(prefix, 'share', basename(prefix)),
    // Debian: …/lib/postgresql/15/bin and …/share/postgresql/15.
    join(prefix, '..', '..', '..', 'share', 'postgresql', String(majorVersion)),
    // Alpine: …/libexec/postgresql15 and …/share/postgresql15.
    join(prefix, '..', 'share', `postgresql${majorVersion}`),
  ]
  for (const candidate of candidates) {
    if (await isThere(join(candidate, 'postgres.bki'))) return candidate
  }
  return undefined
}

/** Changes when a package is updated, installed or removed, or the operator's list is another. */
async function describeSource(
  binDirectory: string,
  extensions: string,
  trustedToo: readonly string[],
): Promise<string> {
  const program = await stat(join(binDirectory, 'postgres'))
  const names = (await readdir(extensions)).filter((name) => name.endsWith(controlSuffix))
  const controls = await Promise.all(
    names.toSorted().map(async (name) => {
      const content = await readFile(join(extensions, name), 'utf8')
      return [name, changeControlFile(basename(name, controlSuffix), content, trustedToo) ?? '']
    }),
  )
  const { mtimeMs: listedMs } = await stat(extensions)
  const own = Object.values(sessionJwtFiles)
  const parts = { size: program.size, changedMs: program.mtimeMs, listedMs, controls, own }
  return `${JSON.stringify(parts)}\n`
}

interface RealDirectory {
  /** Below the ancestor. */
  path: readonly string[]
  fill: (from: string, to: string) => Promise<void>
}

/** Links everything but the ways to what is to be real. */
async function mirror(from: string, to: string, reals: readonly RealDirectory[]): Promise<void> {
  await mkdir(to, { recursive: true })
  // Whatever the umask is: the database's user goes through it.
  await chmod(to, 0o755)
  const leaf = reals.find(({ path }) => path.length === 0)
  if (leaf) {
    await leaf.fill(from, to)
    return
  }
  for (const name of await readdir(from)) {
    const inside = reals.filter(({ path }) => path[0] === name)
    const below = inside.map(({ path, fill }) => ({ path: path.slice(1), fill }))
    if (below.length === 0) await symlink(join(from, name), join(to, name))
    else await mirror(join(from, name), join(to, name), below)
  }
}

/** The others are found through their links, and are the host's. */
async function copyProgram(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (name === 'postgres') {
      await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE)
    } else await symlink(join(from, name), join(to, name))
  }
}

async function fillExtensions(
  from: string,
  to: string,
  trustedToo: readonly string[],
): Promise<void> {
  for (const name of await readdir(from)) {
    // Another of that name would not know of our gateway.
    if (Object.hasOwn(sessionJwtFiles, name)) continue
    const path = join(from, name)
    const changed = name.endsWith(controlSuffix)
      ? changeControlFile(basename(name, controlSuffix), await readFile(path, 'utf8'), trustedToo)
      : undefined
    if (changed === undefined) await symlink(path, join(to, name))
    else await writeForAll(join(to, name), changed)
  }
  await addOwnExtension(to)
}

async function addOwnExtension(directory: string): Promise<void> {
  for (const [name, content] of Object.entries(sessionJwtFiles)) {
    await writeForAll(join(directory, name), content)
  }
}

async function writeForAll(path: string, content: string): Promise<void> {
  await writeFile(path, content)
  await chmod(path, 0o644)
}

/** Postmasters that run from the old one go on: their program is open, and the paths stay. */
async function replace(beside: string, target: string): Promise<void> {
  const old = `${beside}.old`
  try {
    await rename(target, old)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  await rename(beside, target)
  await rm(old, { recursive: true, force: true })
}

function commonAncestor(a: string, b: string): string {
  const [left, right] = [a.split(sep), b.split(sep)]
  const length = left.findIndex((part, at) => part !== right[at])
  return left.slice(0, length === -1 ? left.length : length).join(sep) || sep
}

function splitPath(from: string, to: string): string[] {
  return relative(from, to).split(sep)
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
}
