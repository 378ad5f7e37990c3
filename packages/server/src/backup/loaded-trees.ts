import { isFile } from './known-files.ts'
import { chunkBytes, type ManifestTree, type Tree } from './manifest.ts'

interface Loaded {
  name: string
  tree: Tree
  chunks: ReadonlyMap<string, string[]>
}

/** Of each family: enough to find what was cloned from the same state, and little memory. */
const mostRemembered = 8

/**
 * What was restored last, to begin others with. A branch is like the one that it came from, as that was
 * then: by now it may be liker to a sibling, or to a clone that recoveries begin with.
 */
export class LoadedTrees {
  /** By volume, all that came from one, each set the latest last. */
  readonly #families = new Map<string, Map<string, Loaded>>()

  add({ name, like = name }: Pick<ManifestTree, 'name' | 'like'>, tree: Tree): void {
    const family = this.#families.get(like) ?? new Map<string, Loaded>()
    this.#families.set(like, family)
    this.#families.set(name, family)
    const files = tree.entries.filter(isFile)
    family.set(name, { name, tree, chunks: new Map(files.map((one) => [one.path, one.chunks])) })
    const [oldest] = family.keys()
    if (family.size > mostRemembered && oldest !== undefined) family.delete(oldest)
  }

  /** The one with the most bytes in the same places; undefined where none has any. */
  mostLike(
    { like = '' }: Pick<ManifestTree, 'like'>,
    tree: Tree,
  ): Pick<Loaded, 'name' | 'tree'> | undefined {
    let best: { loaded: Loaded; bytes: number } | undefined
    for (const loaded of this.#families.get(like)?.values() ?? []) {
      const bytes = sharedBytes(loaded, tree)
      if (bytes > (best?.bytes ?? 0)) best = { loaded, bytes }
    }
    return best?.loaded
  }
}

function sharedBytes({ chunks: there }: Loaded, { entries }: Tree): number {
  let bytes = 0
  for (const { path, size = 0, chunks = [] } of entries) {
    const others = there.get(path)
    if (others === undefined) continue
    for (const [at, name] of chunks.entries()) {
      if (others[at] === name) bytes += Math.min(chunkBytes, size - at * chunkBytes)
    }
  }
  return bytes
}
