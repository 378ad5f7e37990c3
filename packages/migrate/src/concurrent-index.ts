import type { Observer } from './observer.ts'
import type { Session } from './session.ts'
import type { Statement } from './statements.ts'
import { relationName, text } from './tree.ts'

/** What a concurrent build finds under the name of its index. */
type Leftover = 'none' | 'invalid' | 'valid'

/** Whether a statement waits for others without anybody waiting for it. */
export function isConcurrent({ node }: Statement): boolean {
  return node.kind === 'ReindexStmt' || node.fields['concurrent'] === true
}

/**
 * Makes way for a concurrent build: one that failed leaves an invalid index behind, which is dropped. Answers
 * whether the index stands there whole, which is what an attempt that was interrupted may have left.
 */
export async function clearLeftover(
  session: Session,
  { node }: Statement,
  observer: Observer,
): Promise<boolean> {
  const name = text(node.fields['idxname'])
  if (node.kind !== 'IndexStmt' || node.fields['concurrent'] !== true || name === undefined)
    return false
  const { leftover, index } = await findLeftover(
    session,
    name,
    relationName(node.fields['relation']),
  )
  if (leftover === 'invalid') {
    observer.note(`Dropping the invalid index ${index}, which a failed build has left.`)
    await session.run(`drop index concurrently ${index}`)
  }
  return leftover === 'valid'
}

async function findLeftover(
  { sql }: Session,
  name: string,
  table: string,
): Promise<{ leftover: Leftover; index: string }> {
  const [found] = await sql<Array<{ index: string; valid: string }>>`
    select indexrelid::regclass::text as index, indisvalid and indisready as valid
    from pg_index join pg_class on pg_class.oid = indexrelid
    where relname = ${name} and indrelid = to_regclass(${quotePath(table)})`
  if (!found) return { leftover: 'none', index: name }
  return { leftover: found.valid === 't' ? 'valid' : 'invalid', index: found.index }
}

/** The parser has folded the names; `to_regclass` would fold them again. */
function quotePath(path: string): string {
  return path
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}
