import type { WalFile } from './wal-store.ts'

/**
 * A file's name where only names are listed: it carries all that `WalFile` tells, so that one listing
 * tells it of a thousand files. `<name>.<bytes>.<written at, ms>.gz`, in the order of the files' names.
 */
const pattern = /^([0-9A-Za-z.]{1,64})\.(\d{1,12})\.(\d{1,14})\.gz$/

export const renderObjectName = ({ name, bytes, writtenAt }: WalFile): string =>
  `${name}.${bytes}.${writtenAt.getTime()}.gz`

/** Undefined where it is none of ours. */
export function parseObjectName(text: string): WalFile | undefined {
  const [, name, bytes, writtenAt] = pattern.exec(text) ?? []
  if (name === undefined) return undefined
  return { name, bytes: Number(bytes), writtenAt: new Date(Number(writtenAt)) }
}

/** In the order of their names; of two of one name the one that was written first is the file. */
export function inOrder(files: readonly WalFile[]): WalFile[] {
  const byName = new Map<string, WalFile>()
  for (const file of files) {
    const known = byName.get(file.name)
    if (known === undefined || file.writtenAt < known.writtenAt) byName.set(file.name, file)
  }
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
