import { setTimeout as delay } from 'node:timers/promises'

import { type Descent, KnownFiles, walDescent } from '../backup/known-files.ts'
import { type Manifest, manifestFormat, type ManifestTree } from '../backup/manifest.ts'
import type { Repository } from '../backup/repository.ts'
import { saveTree } from '../backup/save-tree.ts'
import type { HeldContents, HeldVolume } from '../control/backup/hold.ts'
import type { BackupLineRow } from '../control/store/backups.ts'
import { AppError } from '../lib/errors.ts'
import { forEachBounded } from '../lib/for-each-bounded.ts'
import type { Home } from '../lib/home.ts'
import { isHomeFile } from './backup-home.ts'
import type { SentWalFile } from './hold-calls.ts'
import type { Hold } from './hold-socket.ts'
import { version } from './version.ts'

interface BackupRun {
  home: Home
  hold: Hold
  repository: Repository
  withHistory: boolean
  /** Cloned and read at the same time. */
  volumesAtOnce: number
  onProgress: (progress: BackupProgress) => void
}

export interface BackupProgress {
  /** Volumes of so many. */
  done: number
  total: number
  bytes: number
  name: string
}

/** Branches come and go meanwhile, and what is deleted may be listed for a moment after its data. */
const mostAttempts = 20
const retryMs = 250

/**
 * Makes a backup: the store's rows, then a clone of each volume that they name with its WAL, then the
 * files of the state directory, the manifest last. Where a volume has gone since the rows were read they
 * are read again, and what was saved before is still good.
 */
export async function runBackup(run: BackupRun): Promise<Manifest> {
  return new BackupMaker(run).make()
}

class BackupMaker {
  readonly #run: BackupRun
  readonly #known = new KnownFiles()
  /** By kind and name; of volumes that are gone by the end as well. */
  readonly #trees = new Map<string, ManifestTree>()
  /** Line snapshots that are older than what was saved of their lines. */
  readonly #earlier = new Set<string>()
  #bytes = 0

  constructor(run: BackupRun) {
    this.#run = run
  }

  async make(): Promise<Manifest> {
    const { home, repository, withHistory } = this.#run
    const startedAt = new Date()
    const contents = await this.#saveAll()
    const trees = [
      await this.#save('store', '', contents.directory),
      ...this.#ordered(contents),
      await this.#save('home', '', home.root, { includes: isHomeFile }),
    ]
    const listed = contents.lines.filter((line) => line.is_listed)
    const manifest: Manifest = {
      format: manifestFormat,
      id: await repository.newId(startedAt),
      platform_id: repository.platformId,
      version,
      state_version: contents.schema_version,
      arch: process.arch,
      started_at: startedAt.toISOString(),
      finished_at: new Date().toISOString(),
      with_history: withHistory,
      pg_versions: [...new Set(contents.lines.map((line) => line.pg_version))].toSorted(
        (a, b) => a - b,
      ),
      projects: new Set(listed.map((line) => line.project_id)).size,
      branches: listed.length,
      trees,
      bytes: trees.reduce((sum, tree) => sum + tree.bytes, 0),
      added_bytes: repository.addedBytes,
    }
    await repository.writeManifest(manifest)
    return manifest
  }

  /** Answers the rows that fit what was saved. */
  async #saveAll(): Promise<HeldContents> {
    const { hold } = this.#run
    for (let attempt = 1; ; attempt++) {
      const contents = await hold.ask<HeldContents>('contents')
      if (attempt === 1) await this.#learn(contents)
      const gone = await this.#saveVolumes(contents)
      if (gone.length === 0) return contents
      if (attempt === mostAttempts) {
        throw new AppError(
          'invalid_request',
          `the data of these branches is missing: ${gone.join(', ')}; delete them with --hard-delete, and try again`,
        )
      }
      await hold.ask('release', { id: contents.directory })
      await delay(retryMs)
    }
  }

  /** What the last backup has read need not be read again. */
  async #learn(contents: HeldContents): Promise<void> {
    const { repository } = this.#run
    const last = (await repository.listIds()).at(-1)
    if (last === undefined) return
    const lines = linesById(contents)
    await this.#known.addManifest(repository, await repository.readManifest(last), (name) => {
      const line = contents.snapshots.find(({ id }) => id === name)?.line ?? name
      return lines.has(line) ? descentOf(line, lines) : undefined
    })
  }

  /** Answers the names of branches whose volumes have gone. */
  async #saveVolumes(contents: HeldContents): Promise<string[]> {
    const lines = linesById(contents)
    // One that was taken after its line was saved has what the line, as it was saved, will never have.
    for (const { id, line } of contents.snapshots) {
      if (!this.#has(line)) this.#earlier.add(id)
    }
    const snapshots = this.#run.withHistory
      ? contents.snapshots.filter(({ id }) => this.#earlier.has(id))
      : []
    const total = contents.lines.length + snapshots.length
    let done = 0
    const gone: string[] = []
    const report = (name: string): void =>
      this.#run.onProgress({ done, total, bytes: this.#bytes, name })
    // Parents first: what a branch shares with its parent has been read by then.
    for (const generation of generationsOf(contents.lines, lines)) {
      await forEachBounded(generation, this.#run.volumesAtOnce, async (line) => {
        report(line.name)
        if (!this.#has(line.volume_id) && !(await this.#saveLine(line, lines))) gone.push(line.name)
        done += 1
      })
    }
    await forEachBounded(snapshots, this.#run.volumesAtOnce, async ({ id, line }) => {
      report('history')
      // One that was trimmed meanwhile is no loss.
      if (!this.#has(id)) await this.#saveSnapshot(id, line, lines)
      done += 1
    })
    return gone
  }

  #has(volume: string): boolean {
    return this.#trees.has(`volume ${volume}`) || this.#trees.has(`packed ${volume}`)
  }

  async #saveLine(line: BackupLineRow, lines: Lines): Promise<boolean> {
    const { hold, withHistory } = this.#run
    const { volume_id, branch_id } = line
    const held = await hold.ask<HeldVolume | undefined>('take_line', { volume_id, branch_id })
    if (held === undefined) return false
    const like = line.origin_volume_id
    await this.#saveHeld(volume_id, held, descentOf(volume_id, lines), like ?? undefined)
    if (withHistory) await this.#saveWal(volume_id, held.end)
    return true
  }

  async #saveSnapshot(id: string, line: string, lines: Lines): Promise<void> {
    const held = await this.#run.hold.ask<HeldVolume | undefined>('take_snapshot', { id, line })
    if (held !== undefined) await this.#saveHeld(id, held, descentOf(line, lines), line)
  }

  async #saveHeld(
    name: string,
    held: HeldVolume,
    descent: readonly Descent[],
    like: string | undefined,
  ): Promise<void> {
    const kind = held.is_packed ? 'packed' : 'volume'
    const seen =
      held.keeps_times && !held.is_packed ? { descent, at: new Date(held.at) } : undefined
    const tree = await this.#save(kind, name, held.path, { seen })
    this.#trees.set(`${kind} ${name}`, { ...tree, ...(like !== undefined && { like }) })
    await this.#run.hold.ask('release', { id: held.id })
  }

  /** Files that the last backup has are not even fetched. */
  async #saveWal(line: string, end: HeldVolume['end']): Promise<void> {
    const { hold, repository } = this.#run
    const files = await hold.ask<SentWalFile[]>('list_wal', { line, end })
    if (files.length === 0) return
    const descent = walDescent(line)
    const entryOf = (file: SentWalFile) => ({
      path: file.name,
      size: file.bytes,
      mtime_ns: String(BigInt(file.written_ms) * 1_000_000n),
    })
    const isKnown = (file: SentWalFile) => this.#known.find(descent, entryOf(file)) !== undefined
    const fetched = new Map<string, string[] | undefined>()
    for (const batch of batchesOf(files.filter((file) => !isKnown(file)))) {
      const id = await hold.ask<string>('fetch_wal', { line, files: batch })
      const { tree } = await saveTree(repository, id, {
        known: undefined,
        onBytes: () => undefined,
      })
      await hold.ask('release', { id })
      for (const { path, chunks } of tree.entries) fetched.set(path, chunks)
    }
    const entries = files.flatMap((file) => {
      const entry = entryOf(file)
      const chunks = fetched.get(file.name) ?? this.#known.find(descent, entry)
      return chunks === undefined ? [] : [{ ...entry, mode: 0o600, chunks }]
    })
    const bytes = entries.reduce((sum, { size }) => sum + size, 0)
    this.#bytes += bytes
    this.#trees.set(`wal ${line}`, {
      kind: 'wal',
      name: line,
      object: await repository.putTree({ entries }),
      bytes,
      seen_at: new Date().toISOString(),
    })
  }

  async #save(
    kind: ManifestTree['kind'],
    name: string,
    directory: string,
    options: { seen?: Seen | undefined; includes?: (path: string) => boolean } = {},
  ): Promise<ManifestTree> {
    const { repository } = this.#run
    const { seen, includes } = options
    const { tree, bytes } = await saveTree(repository, directory, {
      known: seen && { files: this.#known, descent: seen.descent },
      ...(includes && { includes }),
      onBytes: (more) => (this.#bytes += more),
    })
    if (seen) this.#known.addTree(seen.descent, tree, seen.at)
    const seenAt = seen && { seen_at: seen.at.toISOString() }
    return { kind, name, object: await repository.putTree(tree), bytes, ...seenAt }
  }

  /** Those that the rows name, each after the one that it is like. */
  #ordered(contents: HeldContents): ManifestTree[] {
    const names = [
      ...contents.lines.map(({ volume_id }) => volume_id),
      ...contents.snapshots.map(({ id }) => id),
    ]
    const ordered = new Map<string, ManifestTree>()
    const visited = new Set<string>()
    const visit = (name: string): void => {
      const tree = this.#trees.get(`volume ${name}`) ?? this.#trees.get(`packed ${name}`)
      if (tree === undefined || visited.has(name)) return
      visited.add(name)
      if (tree.like !== undefined) visit(tree.like)
      ordered.set(name, tree)
    }
    for (const name of names) visit(name)
    const wal = contents.lines.flatMap(({ volume_id }) => this.#trees.get(`wal ${volume_id}`) ?? [])
    return [...ordered.values(), ...wal]
  }
}

/** Of files whose times are those of the original. */
interface Seen {
  descent: readonly Descent[]
  at: Date
}

type Lines = ReadonlyMap<string, { origin: string | null; sinceMs: number }>

const linesById = ({ lines }: HeldContents): Lines =>
  new Map(
    lines.map(({ volume_id, origin_volume_id, origin_time }) => [
      volume_id,
      // Where it is not known when it began, all in it counts as its own.
      {
        origin: origin_time && origin_volume_id,
        sinceMs: origin_time ? new Date(origin_time).getTime() : 0,
      },
    ]),
  )

/** A line, and those that it came from, as far as they are known. */
function descentOf(line: string, lines: Lines): Descent[] {
  const descent: Descent[] = []
  let at: string | null = line
  while (at !== null && !descent.some((one) => one.line === at)) {
    const found = lines.get(at)
    descent.push({ line: at, sinceMs: found?.sinceMs ?? 0 })
    at = found?.origin ?? null
  }
  return descent
}

/** What is in S3 takes space in the pool while it is read, for each of the lines that are saved at once. */
const batchBytes = 64 * 1024 ** 2

function batchesOf(files: readonly SentWalFile[]): SentWalFile[][] {
  const batches: SentWalFile[][] = []
  let left = 0
  for (const file of files) {
    if (file.bytes > left) {
      batches.push([])
      left = batchBytes
    }
    batches.at(-1)?.push(file)
    left -= file.bytes
  }
  return batches
}

/** By how many lines each comes from. */
function generationsOf(rows: readonly BackupLineRow[], lines: Lines): BackupLineRow[][] {
  const generations: BackupLineRow[][] = []
  for (const row of rows) (generations[descentOf(row.volume_id, lines).length] ??= []).push(row)
  // The first has one line, itself.
  return generations.filter((generation) => generation !== undefined)
}
