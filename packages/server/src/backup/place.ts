/**
 * Where backups lie: objects under keys such as `chunks/ab/abcd…`, in a directory or in S3. An object is
 * there whole or not at all, also after a power cut.
 */
export interface BackupPlace {
  /** For people: a path, or `s3://bucket/prefix`. */
  readonly url: string
  put(key: string, body: Uint8Array): Promise<void>
  /** Undefined where there is none. */
  get(key: string): Promise<Buffer | undefined>
  /** All keys that begin so, in order; also what a crash has left of objects that were being put. */
  list(prefix: string): Promise<string[]>
  /** Those that are not there are no error. */
  remove(keys: readonly string[]): Promise<void>
  /** What was put until now survives a power cut from here on. */
  flush(): Promise<void>
  close(): void
}
