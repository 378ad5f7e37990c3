import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { loadTree, type LoadTreeOptions } from '../backup/load-tree.ts'
import { LoadedTrees } from '../backup/loaded-trees.ts'
import type { Manifest, ManifestTree, Tree } from '../backup/manifest.ts'
import { damaged, type Repository } from '../backup/repository.ts'
import { walDirectory } from '../control/history/create-history.ts'
import { packedDirectory } from '../control/packed-volume.ts'
import { refuseNewer } from '../control/store/store.ts'
import { volumeDataDirectory, volumeOfDataDirectory } from '../control/volumes.ts'
import { createDirectoryWalStore } from '../history/directory-wal-store.ts'
import { must } from '../lib/assert.ts'
import { type Environment, hideSecrets } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { isThere, namesIn, syncFileSystem, writeFileAtomically } from '../lib/files.ts'
import { createHome, type Home } from '../lib/home.ts'
import { createLog, type Logger } from '../lib/log.ts'
import { readSavedConfig, type SavedConfig, saveConfig } from '../lib/saved-config.ts'
import type { VolumeDriver } from '../volume/volume.ts'
import { askPlatform } from './ask-platform.ts'
import { type BackupFlags, openRepository, presentBackup } from './backup-command.ts'
import { isHomeFile } from './backup-home.ts'
import { lockHome } from './home-lock.ts'
import { emit } from './output.ts'
import { openPlatformPool } from './platform-pool.ts'
import { claimPool } from './pool-owner.ts'
import { findPostgres, type Postgres } from './postgres.ts'
import { createProgress } from './progress.ts'
import { clearUnfinished, markRestoring, unmarkRestoring } from './restore-marker.ts'
import { restoreStore } from './restore-store.ts'

export interface RestoreFlags extends BackupFlags {
  'pool-size'?: string | undefined
}

interface RestoreRequest {
  home: Home
  environment: Environment
  flags: RestoreFlags
}

/** `restore <place>`: makes the platform of a backup in an empty state directory. It does not start it. */
export async function restoreCommand(
  request: RestoreRequest,
  place: string | undefined,
): Promise<Record<string, unknown>> {
  hideSecrets()
  const { home, flags } = request
  await refuseUsed(home)
  const { repository, close } = await openRepository(request, place, {})
  try {
    const id = flags.backup ?? (await repository.listIds()).at(-1)
    if (id === undefined) {
      throw new AppError('invalid_request', `there is no whole backup in ${repository.place.url}`)
    }
    const manifest = await repository.readManifest(id)
    await refuseNewer(`backup ${id}`, manifest.state_version)
    const notes = await inOwnHome(home, id, async () => {
      const log = createLog({
        level: request.environment.logLevel,
        file: join(home.logs, 'daemon.log'),
        toStderr: false,
      })
      return new Restore(request, repository, manifest, log).run()
    })
    return { home: home.root, place: repository.place.url, ...presentBackup(manifest), notes }
  } finally {
    close()
  }
}

/** Runs what makes a platform in a state directory that is nobody else's meanwhile, marked until it is whole. */
async function inOwnHome<T>(home: Home, id: string, work: () => Promise<T>): Promise<T> {
  await mkdir(home.root, { recursive: true, mode: 0o711 })
  const unlock = await lockHome(home)
  try {
    // Again, since somebody else may have been at work until now.
    await refuseUsed(home)
    await clearUnfinished(home)
    // Before anything that would be somebody's without it.
    await markRestoring(home, id)
    await createHome(home)
    const result = await work()
    await unmarkRestoring(home)
    return result
  } finally {
    unlock()
  }
}

/** Anything in it may be a platform's, or somebody's, but for a lock that nobody holds. */
async function refuseUsed(home: Home): Promise<void> {
  if ((await askPlatform(home)) !== undefined) {
    throw new AppError('invalid_request', `a platform runs in ${home.root}; name another --home`)
  }
  const names = (await namesIn(home.root)).filter((name) => join(home.root, name) !== home.lock)
  if (names.length === 0 || names.includes('restoring.json')) return
  throw new AppError(
    'invalid_request',
    `${home.root} is not empty; restore to another --home, or move what is there away first`,
  )
}

class Restore {
  readonly #home: Home
  readonly #request: RestoreRequest
  readonly #repository: Repository
  readonly #manifest: Manifest
  readonly #log: Logger
  readonly #report = createProgress()
  #bytes = 0

  constructor(request: RestoreRequest, repository: Repository, manifest: Manifest, log: Logger) {
    this.#home = request.home
    this.#request = request
    this.#repository = repository
    this.#manifest = manifest
    this.#log = log
  }

  /** Answers what the operator should know. */
  async run(): Promise<string[]> {
    const home = this.#home
    const { environment, flags } = this.#request
    await this.#loadHome()
    const before = await readSavedConfig(home.config)
    const postgres = await findPostgres(home, environment, before.trust_extensions)
    const user = postgres.databaseUser
    emit({ event: 'step', message: 'Making the storage pool' })
    const pool = await openPlatformPool(
      home,
      { saved: {}, poolSize: flags['pool-size'] },
      user,
      () => undefined,
    )
    const { volumes } = pool
    await claimPool(volumes, this.#manifest.platform_id)
    await this.#requireSpace(volumes)
    emit({ event: 'step', message: 'Restoring the branches' })
    await this.#loadVolumes(volumes, user)
    for (const tree of this.#trees('packed')) {
      await this.#load(tree, packedDirectory(volumes.root), { user: undefined })
    }
    for (const tree of this.#trees('wal')) await this.#loadWal(tree, volumes)
    await syncFileSystem(volumes.root)
    emit({ event: 'step', message: 'Restoring the metadata store' })
    const store = await this.#loadStore(postgres)
    await this.#placeComputes(volumes)
    const { pool_image: _, wal_store, s3_endpoint: __, s3_region: ___, ...kept } = before
    await saveConfig(home.config, { ...kept, ...pool.saved, store })
    return this.#notes(postgres, volumes, { ...before, wal_store })
  }

  #trees(kind: ManifestTree['kind']): ManifestTree[] {
    return this.#manifest.trees.filter((tree) => tree.kind === kind)
  }

  async #load(
    { object, name }: ManifestTree,
    directory: string,
    options: { user: OsUser | undefined; keepsTimes?: boolean },
  ): Promise<Tree> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const tree = await this.#repository.getTree(object)
    await this.#loadTree(name, tree, directory, options)
    return tree
  }

  async #loadTree(
    name: string,
    tree: Tree,
    directory: string,
    options: Omit<LoadTreeOptions, 'onBytes'>,
  ): Promise<void> {
    await loadTree(this.#repository, tree, directory, {
      ...options,
      onBytes: (bytes) => {
        this.#bytes += bytes
        const { bytes: total } = this.#manifest
        this.#report({ done: this.#bytes, total, bytes: this.#bytes, message: name })
      },
    })
  }

  async #loadHome(): Promise<void> {
    const [found] = this.#trees('home')
    const { object, name } = must(found, 'a backup has the state directory')
    const tree = await this.#repository.getTree(object)
    for (const { path } of tree.entries) {
      // It would be a program or a setting, made by root.
      if (!isHomeFile(path)) throw damaged(`the backup has ${path}, which is in none`)
    }
    await this.#loadTree(name, tree, this.#home.root, { user: undefined })
  }

  /** A volume begins as a clone of the one that it is most like, where blocks can be shared. */
  async #loadVolumes(volumes: VolumeDriver, user: OsUser | undefined): Promise<void> {
    const loaded = new LoadedTrees()
    for (const about of this.#trees('volume')) {
      const { name } = about
      const tree = await this.#repository.getTree(about.object)
      const base = volumes.kind === 'copy' ? undefined : loaded.mostLike(about, tree)
      if (base === undefined) await volumes.create(name)
      else await volumes.clone(base.name, name)
      await this.#loadTree(name, tree, volumes.path(name), { user, base: base?.tree })
      loaded.add(about, tree)
    }
  }

  async #loadWal(tree: ManifestTree, volumes: VolumeDriver): Promise<void> {
    const root = walDirectory(volumes.root)
    const store = createDirectoryWalStore(root)
    const directory = join(root, '.returning')
    const files = await this.#load(tree, directory, { user: undefined, keepsTimes: true })
    for (const { path: name, size = 0, mtime_ns = '0' } of files.entries) {
      const writtenAt = new Date(Number(BigInt(mtime_ns) / 1_000_000n))
      await store.put(tree.name, { name, bytes: size, writtenAt, path: join(directory, name) })
    }
    await rm(directory, { recursive: true })
  }

  async #loadStore(postgres: Postgres): Promise<'own' | 'database_url'> {
    const [tree] = this.#trees('store')
    const directory = this.#home.held
    await this.#load(must(tree, 'a backup has the store'), directory, { user: undefined })
    const volumeNames = this.#trees('volume').map(({ name }) => name)
    const store = await restoreStore({
      home: this.#home,
      postgres,
      url: this.#request.environment.databaseUrl,
      dumpDirectory: directory,
      volumeNames,
      log: this.#log,
    })
    await rm(directory, { recursive: true })
    return store
  }

  /** Of each compute, where its data lies now. */
  async #placeComputes(volumes: VolumeDriver): Promise<void> {
    for (const name of await namesIn(this.#home.computes)) {
      const path = join(this.#home.computes, name, 'spec.json')
      if (!(await isThere(path))) continue
      const spec = JSON.parse(await readFile(path, 'utf8')) as { dataDirectory: string }
      const volumeId = volumeOfDataDirectory(spec.dataDirectory)
      const dataDirectory = volumeDataDirectory(volumes, volumeId)
      await writeFileAtomically(path, `${JSON.stringify({ ...spec, dataDirectory }, null, 2)}\n`)
    }
  }

  async #requireSpace(volumes: VolumeDriver): Promise<void> {
    // Where blocks are shared it takes less, and nobody knows how much.
    if (volumes.kind !== 'copy') return
    const { freeBytes } = await volumes.space()
    if (this.#manifest.bytes < freeBytes) return
    throw new AppError(
      'pool_full',
      `the backup has ${this.#manifest.bytes} bytes of files and ${volumes.root} has ${freeBytes} free; restore to a --home on a larger disk`,
    )
  }

  async #notes(postgres: Postgres, volumes: VolumeDriver, before: SavedConfig): Promise<string[]> {
    const installed = new Set(postgres.installations.map(({ majorVersion }) => majorVersion))
    const missing = this.#manifest.pg_versions.filter((one) => !installed.has(one))
    const { tls_cert: certificate, wal_store: walStore } = before
    const { arch } = this.#manifest
    return [
      ...missing.map(
        (one) => `Branches need PostgreSQL ${one}, which is not on this machine; install it.`,
      ),
      ...(arch === process.arch
        ? []
        : [`The backup is of a machine of another kind (${arch}); data may not start here.`]),
      ...(certificate !== undefined && !(await isThere(certificate))
        ? [
            `Its certificate ${certificate} is not here; put it there, or start with --tls-cert own.`,
          ]
        : []),
      ...(walStore === undefined
        ? []
        : [
            `WAL was kept in ${walStore}; all of it is in the pool now. Once the former platform is gone for good, start with --wal-store ${walStore} to go on there.`,
          ]),
      ...(volumes.warning === undefined ? [] : [`Storage: ${volumes.warning}`]),
    ]
  }
}
