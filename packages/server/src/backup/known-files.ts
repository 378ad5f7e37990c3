import type { Manifest, Tree, TreeEntry } from './manifest.ts'
import type { Repository } from './repository.ts'

/** A line, and since when; for the one that it came from, until then. */
export interface Descent {
  line: string
  sinceMs: number
}

/**
 * Files that need not be read again, of this backup or the last one.
 *
 * A file of a volume was last written at its mtime, by the line that it belonged to then: the volume's own,
 * or one that it came from, as of before the clone. Of one line, one path is one content at one mtime, as
 * long as that lies well before anybody looked: the kernel's clock ticks some hundred times a second, and
 * a file may be written twice within a tick.
 */
export class KnownFiles {
  readonly #chunks = new Map<string, string[]>()

  /** What is known of a file; `descent` begins with the volume itself. */
  find(descent: readonly Descent[], file: FoundFile): string[] | undefined {
    return this.#chunks.get(keyOf(descent, file))
  }

  /** `seenAt`: when the volume was as it was read. */
  add(descent: readonly Descent[], file: FoundFile, chunks: string[], seenAt: Date): void {
    const writtenMs = Number(BigInt(file.mtime_ns) / 1_000_000n)
    if (writtenMs < seenAt.getTime() - tickMs) this.#chunks.set(keyOf(descent, file), chunks)
  }

  /** Of the last backup, where its volumes told times. */
  async addManifest(
    repository: Repository,
    manifest: Manifest,
    descentOf: (name: string) => readonly Descent[] | undefined,
  ): Promise<void> {
    for (const tree of manifest.trees) {
      const descent = tree.kind === 'wal' ? walDescent(tree.name) : descentOf(tree.name)
      if (descent === undefined || tree.seen_at === undefined) continue
      this.addTree(descent, await repository.getTree(tree.object), new Date(tree.seen_at))
    }
  }

  addTree(descent: readonly Descent[], { entries }: Tree, seenAt: Date): void {
    for (const entry of entries) {
      if (isFile(entry)) this.add(descent, entry, entry.chunks, seenAt)
    }
  }
}

/** Of WAL, whose files do not change. */
export const walDescent = (line: string): Descent[] => [{ line: `wal ${line}`, sinceMs: 0 }]

export type FoundFile = Pick<Required<TreeEntry>, 'path' | 'size' | 'mtime_ns'>

export const isFile = (entry: TreeEntry): entry is Required<TreeEntry> =>
  entry.chunks !== undefined && entry.size !== undefined && entry.mtime_ns !== undefined

/** Many ticks, and the whole second that some file systems keep. */
const tickMs = 2_000

function keyOf(descent: readonly Descent[], { path, size, mtime_ns }: FoundFile): string {
  const writtenMs = Number(BigInt(mtime_ns) / 1_000_000n)
  const owner = descent.find(({ sinceMs }) => sinceMs <= writtenMs) ?? descent.at(-1)
  return `${owner?.line} ${mtime_ns} ${size} ${path}`
}
