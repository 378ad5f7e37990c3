/** The certificates that this machine trusts for everybody, where the platform's authority can be put. */
import { X509Certificate } from 'node:crypto'
import { copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { AppError, errorCode } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'
import { isThere } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'

interface TrustStore {
  /** Where an administrator puts authorities; its presence tells the distribution. */
  directory: string
  /** Has the system read it. */
  update: string
}

const trustStores: readonly TrustStore[] = [
  // Debian, Ubuntu, Alpine.
  { directory: '/usr/local/share/ca-certificates', update: 'update-ca-certificates' },
  // Fedora, RHEL.
  { directory: '/etc/pki/ca-trust/source/anchors', update: 'update-ca-trust' },
  // Arch.
  { directory: '/etc/ca-certificates/trust-source/anchors', update: 'update-ca-trust' },
  // SUSE.
  { directory: '/etc/pki/trust/anchors', update: 'update-ca-certificates' },
]

/** `ca install` and `ca uninstall`. Both may be repeated. Answers the file in the store. */
export async function caCommand(home: Home, action: string | undefined): Promise<{ file: string }> {
  if (action !== 'install' && action !== 'uninstall') {
    throw new AppError('invalid_request', `ca ${action ?? ''}: it is install or uninstall`)
  }
  const caFile = join(home.tls, 'ca.crt')
  const authority = await readAuthority(caFile)
  const store = await findTrustStore()
  // Several platforms may share a machine, each with an authority of its own.
  const mark = authority.fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase()
  const file = join(store.directory, `coppice-${mark}.crt`)
  try {
    if (action === 'install') await copyFile(caFile, file)
    else await rm(file, { force: true })
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error
    throw new AppError('not_permitted', `only root can change ${store.directory}: run it with sudo`)
  }
  await exec(store.update, [])
  return { file }
}

async function readAuthority(path: string): Promise<X509Certificate> {
  try {
    return new X509Certificate(await readFile(path))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    throw new AppError('invalid_request', `there is no ${path}: the first \`coppice up\` makes it`)
  }
}

async function findTrustStore(): Promise<TrustStore> {
  for (const store of trustStores) if (await isThere(store.directory)) return store
  throw new AppError(
    'not_available',
    'no store of trusted certificates that is known; `coppice ca` prints other ways',
  )
}
