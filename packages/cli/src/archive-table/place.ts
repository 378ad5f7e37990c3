import type { Readable } from 'node:stream'

/** Where each archived table has a directory of its own: on a disk, or in S3. */
export interface ArchivePlace {
  directory(name: string): ArchiveDirectory
  /** Those that could hold archives, by name. */
  directories(): Promise<ArchiveDirectory[]>
}

/** The files of one archive. */
export interface ArchiveDirectory {
  /** A path or URL, for people and for `archive restore`. */
  readonly path: string
  /**
   * A name is there with all its bytes, durably, or not at all. What an interrupted write has left is
   * removed by the next one. `expectedBytes` is a guess, and may be far off.
   */
  write(
    name: string,
    source: AsyncIterable<Uint8Array>,
    options?: { expectedBytes?: number },
  ): Promise<void>
  read(name: string): Readable
  /** Without the end where the file is shorter. */
  readRange(name: string, start: number, end: number): Promise<Uint8Array>
  /** Undefined where it is not there. */
  readText(name: string): Promise<string | undefined>
  remove(name: string): Promise<void>
}

/** The directory of a table. Names may hold what a path must not. */
export function directoryNameOf({ schema, name }: { schema: string; name: string }): string {
  return encodeURIComponent(`${schema}.${name}`)
}

/** Whether a place is named as one in S3. */
export const isS3Url = (text: string): boolean => /^s3:\/\//i.test(text)
