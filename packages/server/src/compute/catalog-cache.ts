import { readFile } from 'node:fs/promises'

import { errorCode } from '../lib/errors.ts'
import { writeFileAtomically } from '../lib/files.ts'
import type { ClusterCatalog } from './spec.ts'

/**
 * The roles and databases of a cluster as last read from it, kept in a file beside the compute: while it
 * sleeps, clients are authenticated against them, so that nobody without a valid password can wake it.
 * The file holds verifiers and is 0600.
 */
export class CatalogCache {
  readonly #path: string
  #current: ClusterCatalog = { readAt: new Date(0).toISOString(), roles: [], databases: [] }

  constructor(path: string) {
    this.#path = path
  }

  get current(): ClusterCatalog {
    return this.#current
  }

  /** Reads the file. Where there is none, or it is of no use, the catalog is empty until the next update. */
  async load(): Promise<void> {
    try {
      const value: unknown = JSON.parse(await readFile(this.#path, 'utf8'))
      if (isCatalog(value)) this.#current = value
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error
    }
  }

  /** Takes over a newer one, and writes it where more than the time of reading has changed. */
  async update(catalog: ClusterCatalog): Promise<void> {
    const isSame = content(catalog) === content(this.#current)
    this.#current = catalog
    if (!isSame) await writeFileAtomically(this.#path, JSON.stringify(catalog), 0o600)
  }
}

const content = ({ roles, databases }: ClusterCatalog): string => JSON.stringify([roles, databases])

function isCatalog(value: unknown): value is ClusterCatalog {
  if (typeof value !== 'object' || value === null) return false
  if (!('readAt' in value && 'roles' in value && 'databases' in value)) return false
  return Array.isArray(value.roles) && Array.isArray(value.databases)
}
