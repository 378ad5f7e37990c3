import { AppError, describeError } from '../lib/errors.ts'
import { chunkBytes, type Manifest, manifestFormat, type Tree } from './manifest.ts'
import type { BackupPlace } from './place.ts'
import {
  createEncryption,
  createPlainSeal,
  type Encryption,
  openEncryption,
  type Seal,
} from './seal.ts'

/** Says whose backups are here, in the clear. */
interface Marker {
  format: number
  platform_id: string
  encryption?: Encryption
}

interface OpenOptions {
  passphrase: string | undefined
}

/** A list of what is in a volume; files are cut into chunks. */
const maxObjectBytes = 1024 ** 3
const markerKey = 'coppice-backup.json'
const manifestFolder = 'backups/'
const objectFolder = 'chunks/'
const idPattern = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z$/

/**
 * The backups of one platform at one place.
 *
 * Files are cut into chunks that are named by what is in them, so that what branches share, and what has
 * not changed since the last backup, is there once. Everything that is read is checked against its name.
 */
export class Repository {
  readonly place: BackupPlace
  readonly platformId: string
  readonly isEncrypted: boolean
  readonly #seal: Seal
  /** Names of objects that are there or on their way; undefined until they are needed. */
  #known: Map<string, Promise<void>> | undefined
  addedBytes = 0

  private constructor(place: BackupPlace, { platform_id, encryption }: Marker, seal: Seal) {
    this.place = place
    this.platformId = platform_id
    this.isEncrypted = encryption !== undefined
    this.#seal = seal
  }

  /** Of a place that has backups. Rejects with AppError `invalid_request`. */
  static async open(place: BackupPlace, options: OpenOptions): Promise<Repository> {
    const marker = await readMarker(place)
    if (marker === undefined) {
      throw new AppError('invalid_request', `there are no backups in ${place.url}`)
    }
    return new Repository(place, marker, await openSeal(place, marker, options))
  }

  /** The same, and makes the place this platform's where it is nobody's yet. */
  static async openFor(
    platformId: string,
    place: BackupPlace,
    options: OpenOptions,
  ): Promise<Repository> {
    const marker = await readMarker(place)
    if (marker === undefined) return claim(place, platformId, options)
    if (marker.platform_id !== platformId) {
      throw new AppError(
        'invalid_request',
        `${place.url} holds the backups of another platform (${marker.platform_id}); name another place`,
      )
    }
    return new Repository(place, marker, await openSeal(place, marker, options))
  }

  static async make(
    place: BackupPlace,
    platformId: string,
    sealed: { encryption?: Encryption; seal: Seal },
  ): Promise<Repository> {
    const { seal, encryption } = sealed
    const marker = {
      format: manifestFormat,
      platform_id: platformId,
      ...(encryption && { encryption }),
    }
    await place.put(markerKey, Buffer.from(`${JSON.stringify(marker, null, 2)}\n`))
    return new Repository(place, marker, seal)
  }

  /** Puts an object, unless it is there, and answers its name. */
  async putObject(content: Uint8Array): Promise<string> {
    const name = this.#seal.nameOf(content)
    const known = await this.#load()
    const there = known.get(name)
    if (there !== undefined) {
      await there
      return name
    }
    const putting = this.#put(name, content)
    known.set(name, putting)
    await putting
    return name
  }

  async hasObject(name: string): Promise<boolean> {
    return (await this.#load()).has(name)
  }

  /** Rejects where it is not there, or is not what was put. */
  async getObject(name: string, maxBytes = maxObjectBytes): Promise<Buffer> {
    const packed = await this.place.get(objectKey(name))
    if (packed === undefined) throw damaged(`object ${name} is missing from ${this.place.url}`)
    const content = await this.#unpack(name, packed, maxBytes)
    if (this.#seal.nameOf(content) === name) return content
    throw damaged(`object ${name} in ${this.place.url} is not what was put there`)
  }

  /** The same, of a file. */
  async getChunk(name: string): Promise<Buffer> {
    return this.getObject(name, chunkBytes)
  }

  async putTree(tree: Tree): Promise<string> {
    return this.putObject(Buffer.from(JSON.stringify(tree)))
  }

  async getTree(name: string): Promise<Tree> {
    return parseTree(await this.getObject(name))
  }

  /** Ids, the oldest first. */
  async listIds(): Promise<string[]> {
    const keys = await this.place.list(manifestFolder)
    return keys.map((key) => key.slice(manifestFolder.length)).filter((id) => idPattern.test(id))
  }

  /** For a backup that began then: after all that are there, also where a clock was ahead when they were made. */
  async newId(startedAt: Date): Promise<string> {
    const last = (await this.listIds()).at(-1)
    const from = last === undefined ? 0 : timeOf(last) + 1_000
    return idAt(new Date(Math.max(startedAt.getTime(), from)))
  }

  async readManifest(id: string): Promise<Manifest> {
    const packed = idPattern.test(id) ? await this.place.get(manifestFolder + id) : undefined
    if (packed === undefined) {
      const ids = await this.listIds()
      const there = ids.length === 0 ? 'there are none' : `there are ${ids.join(', ')}`
      throw new AppError('invalid_request', `no backup ${id} in ${this.place.url}; ${there}`)
    }
    const manifest = JSON.parse((await this.#unpack(id, packed)).toString('utf8')) as Manifest
    if (manifest.format > manifestFormat) throw newer(`backup ${id}`, manifest.version)
    if (manifest.id === id) return manifest
    throw damaged(`${id} in ${this.place.url} is backup ${manifest.id} under another name`)
  }

  /** The backup exists from here on. */
  async writeManifest(manifest: Manifest): Promise<void> {
    await this.place.flush()
    const packed = await this.#seal.pack(Buffer.from(JSON.stringify(manifest)))
    await this.place.put(manifestFolder + manifest.id, packed)
    await this.place.flush()
  }

  /** Removes backups, and then every object that none of the others needs. Answers how many of each. */
  async remove(ids: readonly string[]): Promise<{ backups: number; objects: number }> {
    const left = (await this.listIds()).filter((id) => !ids.includes(id))
    const needed = new Set<string>()
    for (const id of left) {
      for (const { object } of (await this.readManifest(id)).trees) {
        if (needed.has(object)) continue
        needed.add(object)
        for (const { chunks } of (await this.getTree(object)).entries) {
          for (const chunk of chunks ?? []) needed.add(chunk)
        }
      }
    }
    // In this order: a backup whose objects have gone would be listed otherwise.
    await this.place.remove(ids.map((id) => manifestFolder + id))
    await this.place.flush()
    const spare = (await this.place.list(objectFolder)).filter((key) => !needed.has(nameIn(key)))
    await this.place.remove(spare)
    this.#known = undefined
    return { backups: ids.length, objects: spare.length }
  }

  async #unpack(name: string, packed: Buffer, maxBytes = maxObjectBytes): Promise<Buffer> {
    try {
      return await this.#seal.unpack(packed, maxBytes)
    } catch (error) {
      throw damaged(`${name} in ${this.place.url} cannot be read: ${describeError(error)}`)
    }
  }

  async #put(name: string, content: Uint8Array): Promise<void> {
    const packed = await this.#seal.pack(content)
    await this.place.put(objectKey(name), packed)
    this.addedBytes += packed.byteLength
  }

  async #load(): Promise<Map<string, Promise<void>>> {
    if (this.#known === undefined) {
      const names = (await this.place.list(objectFolder)).map(nameIn)
      this.#known ??= new Map(names.map((name) => [name, Promise.resolve()]))
    }
    return this.#known
  }
}

export const parseTree = (object: Buffer): Tree => JSON.parse(object.toString('utf8')) as Tree

async function claim(
  place: BackupPlace,
  platformId: string,
  { passphrase }: OpenOptions,
): Promise<Repository> {
  if ((await place.list('')).length > 0) {
    throw new AppError(
      'invalid_request',
      `${place.url} holds other things than backups; name an empty place`,
    )
  }
  const sealed =
    passphrase === undefined ? { seal: createPlainSeal() } : await createEncryption(passphrase)
  return Repository.make(place, platformId, sealed)
}

async function openSeal(
  place: BackupPlace,
  { format, encryption }: Marker,
  { passphrase }: OpenOptions,
): Promise<Seal> {
  if (format > manifestFormat) throw newer(`the backups in ${place.url}`, 'a newer version')
  if (encryption === undefined) {
    if (passphrase === undefined) return createPlainSeal()
    throw new AppError(
      'invalid_request',
      `the backups in ${place.url} are not encrypted; leave the passphrase out, or name another place`,
    )
  }
  if (passphrase !== undefined) return openEncryption(encryption, passphrase)
  throw new AppError(
    'invalid_request',
    `the backups in ${place.url} are encrypted; give --passphrase-file, or COPPICE_BACKUP_PASSPHRASE`,
  )
}

async function readMarker(place: BackupPlace): Promise<Marker | undefined> {
  const text = await place.get(markerKey)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text.toString('utf8')) as Marker
  } catch {
    throw damaged(`${markerKey} in ${place.url} cannot be read`)
  }
}

const idAt = (time: Date): string => `${time.toISOString().slice(0, 19).replaceAll(':', '-')}Z`

const timeOf = (id: string): number => Date.parse(id.replace(idPattern, '$1T$2:$3:$4Z'))

/** Two letters of the name between: file systems like directories of thousands, not of millions. */
const objectKey = (name: string): string => `${objectFolder}${name.slice(0, 2)}/${name}`

const nameIn = (key: string): string => key.slice(key.lastIndexOf('/') + 1)

export const damaged = (message: string): AppError => new AppError('backup_damaged', message)

const newer = (what: string, version: string): AppError =>
  new AppError(
    'invalid_request',
    `${what}: made by Coppice ${version}, which this one cannot read; nothing was changed: install that version`,
  )
