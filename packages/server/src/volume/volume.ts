/**
 * Volumes: one directory tree per branch, below one pool, cloned without copying where the file
 * system can.
 *
 * A volume holds PostgreSQL's data directory as `pgdata/`, WAL included, so that an atomic clone of a
 * running cluster is one point in time and recovers as after a crash. Drivers that copy file by file
 * are not atomic; they ask the running source to hold still in PostgreSQL's own way (`LiveSource`).
 *
 * Invariants: a volume that `list` shows is whole; clones are made under a hidden name and renamed
 * into place; `destroy` of what is not there succeeds; nothing here knows branches or projects.
 */
export interface VolumeDriver {
  readonly kind: 'btrfs' | 'reflink' | 'copy'
  /** The pool's directory. */
  readonly root: string
  /** Whether a clone of a running cluster is one point in time without the cluster's help. */
  readonly isAtomic: boolean
  /** What the user should know about this driver here, e.g. that branches are full copies. */
  readonly warning: string | undefined

  /** Directory of a volume, there or not. An id is `[a-z0-9-]{1,80}`; anything else is a bug and throws. */
  path(id: string): string
  exists(id: string): Promise<boolean>
  /** Names of whole volumes. */
  list(): Promise<string[]>
  /** Makes an empty volume, owned by the database's OS user. */
  create(id: string): Promise<void>
  /**
   * Makes volume `id` from `source`. `live` is given when a postmaster runs on the source.
   * Rejects with AppError `pool_full` when space runs out, leaving nothing behind.
   */
  clone(source: string, id: string, live?: LiveSource): Promise<void>
  /** Renames a volume; the new name must be free. */
  rename(from: string, to: string): Promise<void>
  /** Removes a volume and frees what only it holds. */
  destroy(id: string): Promise<void>
  /** Removes what a crash left half-made; answers how many. Called once before anything else. */
  sweep(): Promise<number>
  usage(id: string): Promise<VolumeUsage>
  /** Of the pool's file system. On btrfs as of its last commit, so some seconds behind. */
  space(): Promise<PoolSpace>
  /**
   * Resolves once `space` counts what was destroyed before as free again, or when its deadline has
   * passed. File systems free in the background; a caller who must know waits here. Flushes the pool,
   * so not for every `destroy`.
   */
  reclaim(): Promise<void>
}

/** A running cluster that can be copied file by file (PostgreSQL manual, "Continuous Archiving", low-level API). */
export interface LiveSource {
  /** `pg_backup_start`, with the WAL from there on held back. */
  begin(): Promise<void>
  /** `pg_backup_stop`: files to write into the copy, by path below `pgdata/` (`backup_label`, …). */
  end(): Promise<Record<string, string>>
  /** Gives up what `begin` holds; may be called after `end`. */
  release(): Promise<void>
}

export interface VolumeUsage {
  /** Bytes that would be freed by destroying it; undefined where the file system cannot tell. */
  exclusiveBytes: number | undefined
  /** Bytes reachable through it, shared or not. */
  referencedBytes: number
}

export interface PoolSpace {
  totalBytes: number
  freeBytes: number
}
