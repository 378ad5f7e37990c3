/**
 * What a backup is made of. The manifest is written last: a backup that has none does not exist, and what
 * it has put goes with the next one that removes old backups.
 */
export interface Manifest {
  format: number
  /** Also its key: the time when it began, in UTC, or a second after the last one's where that is later. */
  id: string
  platform_id: string
  /** Of the Coppice that made it. */
  version: string
  /** Of the store's schema. */
  state_version: number
  /** Data directories are those of one kind of machine (`x64`). */
  arch: string
  /** Everything that was committed before is in it. */
  started_at: string
  finished_at: string
  with_history: boolean
  /** Major versions that its branches need. */
  pg_versions: number[]
  projects: number
  branches: number
  trees: ManifestTree[]
  /** Of all files, before what is equal was left out. */
  bytes: number
  /** What it added to the place. */
  added_bytes: number
}

/** A directory of the backup; where it goes depends on its kind. */
export interface ManifestTree {
  kind: 'store' | 'home' | 'volume' | 'packed' | 'wal'
  /** Of a volume, or of the line whose WAL it is. */
  name: string
  /** The object that lists its files. */
  object: string
  bytes: number
  /** When it was as it is here; absent where the times of its files are not those of the original. */
  seen_at?: string
  /** A volume that it shares most of its blocks with, and that comes before it. */
  like?: string
}

export const manifestFormat = 1

/** The files of a directory, its subdirectories before what is in them. */
export interface Tree {
  entries: TreeEntry[]
}

export interface TreeEntry {
  /** Relative to the directory, which itself is not listed. */
  path: string
  mode: number
  /** Absent of a directory, as what follows. */
  size?: number
  /** Nanoseconds since 1970. */
  mtime_ns?: string
  /** Names of objects, each of `chunkBytes` but the last. */
  chunks?: string[]
}

export const chunkBytes = 2 * 1024 * 1024
