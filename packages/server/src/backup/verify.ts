import { describeError } from '../lib/errors.ts'
import { forEachBounded } from '../lib/for-each-bounded.ts'
import type { Manifest } from './manifest.ts'
import { parseTree, type Repository } from './repository.ts'

export interface Verification {
  backups: string[]
  objects: number
  bytes: number
  /** What is wrong, and of which backup it was first seen; none where all is whole. */
  problems: { backup: string; tree?: string; message: string }[]
}

const objectsAtOnce = 8
/** A broken disk may have broken all. */
const mostProblems = 100

/** Reads all that backups need, each object once. */
export async function verifyBackups(
  repository: Repository,
  ids: readonly string[],
  onObject: (done: number) => void,
): Promise<Verification> {
  const found: Verification = { backups: [...ids], objects: 0, bytes: 0, problems: [] }
  const seen = new Set<string>()
  const check = async (of: { backup: string; tree?: string }, work: () => Promise<void>) => {
    await work().catch((error: unknown) => {
      if (found.problems.length >= mostProblems) return
      found.problems.push({ ...of, message: describeError(error) })
    })
  }
  const read = async (name: string): Promise<Buffer> => {
    const content = await repository.getObject(name)
    found.objects += 1
    found.bytes += content.byteLength
    onObject(found.objects)
    return content
  }
  const checkTree = async (backup: string, tree: Manifest['trees'][number]) => {
    const of = { backup, tree: `${tree.kind} ${tree.name}` }
    if (seen.has(tree.object)) return
    seen.add(tree.object)
    await check(of, async () => {
      const { entries } = parseTree(await read(tree.object))
      const names = entries.flatMap(({ chunks }) => chunks ?? []).filter((name) => !seen.has(name))
      for (const name of names) seen.add(name)
      await forEachBounded([...new Set(names)], objectsAtOnce, async (name) => {
        await check(of, async () => void (await read(name)))
      })
    })
  }
  for (const id of ids) {
    await check({ backup: id }, async () => {
      for (const tree of (await repository.readManifest(id)).trees) await checkTree(id, tree)
    })
  }
  return found
}
