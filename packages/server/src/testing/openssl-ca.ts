import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { exec } from '../lib/exec.ts'

/** A certificate authority of somebody else, with an intermediate one, as an operator's comes from. */
export interface ForeignAuthority {
  /** The root, which clients trust. */
  rootPath: string
  /** Writes a chain of server and intermediate to `certPath`, and the key to `keyPath`. */
  issue(options: IssueOptions): Promise<{ certPath: string; keyPath: string }>
}

export interface IssueOptions {
  /** Of the two files. */
  name: string
  names: readonly string[]
  /** As `openssl req -newkey` takes it. */
  key?: readonly string[]
  /** Of the signature: `sha256` unless given. */
  hash?: string
  /** From now on; a negative number for one that has expired. */
  days?: number
}

const curve = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

export async function createForeignAuthority(directory: string): Promise<ForeignAuthority> {
  const at = (name: string) => join(directory, name)
  const extensions = at('authority.cnf')
  await writeFile(
    extensions,
    '[v3]\nbasicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign\n',
  )
  const root = ['-x509', '-newkey', ...curve, '-nodes', '-days', '90', '-subj', '/CN=Foreign root']
  const asAuthority = ['-addext', 'keyUsage = critical, keyCertSign']
  await exec('openssl', [
    'req',
    ...root,
    ...asAuthority,
    '-keyout',
    at('r.key'),
    '-out',
    at('r.crt'),
  ])
  const between = ['-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=Foreign intermediate']
  await exec('openssl', ['req', ...between, '-keyout', at('i.key'), '-out', at('i.csr')])
  await sign('i', 'r', { extensions, days: 60, hash: 'sha256' })

  async function sign(
    name: string,
    by: string,
    given: { extensions: string; days: number; hash: string },
  ): Promise<void> {
    const authority = ['-CA', at(`${by}.crt`), '-CAkey', at(`${by}.key`), '-CAcreateserial']
    const options = ['-extfile', given.extensions, '-extensions', 'v3', '-days', String(given.days)]
    const files = ['-in', at(`${name}.csr`), '-out', at(`${name}.crt`)]
    await exec('openssl', ['x509', '-req', `-${given.hash}`, ...files, ...authority, ...options])
  }

  return {
    rootPath: at('r.crt'),
    async issue({ name, names, key = curve, hash = 'sha256', days = 30 }) {
      const config = at(`${name}.cnf`)
      const alternatives = names.map((one) => `DNS:${one}`).join(', ')
      await writeFile(config, `[v3]\nsubjectAltName = ${alternatives}\n`)
      const request = ['req', '-newkey', ...key, '-nodes', '-subj', `/CN=${name}`]
      await exec('openssl', [...request, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`)])
      await sign(name, 'i', { extensions: config, days, hash })
      const chain = await exec('cat', [at(`${name}.crt`), at('i.crt')])
      const certPath = at(`${name}.pem`)
      await writeFile(certPath, chain)
      return { certPath, keyPath: at(`${name}.key`) }
    },
  }
}
