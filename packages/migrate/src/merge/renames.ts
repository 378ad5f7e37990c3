import { AdvisedError } from '../advised-error.ts'
import { describeName, quoteName, type Schema, type SchemaObject } from './schema-object.ts'

/** A table or column that is called otherwise now. */
export interface Rename {
  /** The object before and after. */
  from: SchemaObject
  to: SchemaObject
}

/** What was dropped, and what it may have become: only a person knows. */
export interface RenameQuestion {
  dropped: SchemaObject
  candidates: SchemaObject[]
}

/** What the user has said about it, as in `--rename users.name=full_name` and `--drop users.name`. */
export interface RenameFlags {
  renames: ReadonlyArray<{ from: string; to: string }>
  drops: readonly string[]
}

/** Says what was renamed between the base and the branch, and rejects where nobody knows. */
export type AnswerRenames = (base: Schema, branch: Schema, parent: Schema) => Promise<Rename[]>

/**
 * Answers what the flags settle and what has to be asked. Rejects flags that match nothing. What the parent has
 * without the old and with the new is not asked: either answer leaves it as it is.
 */
export function findRenames(
  base: Schema,
  branch: Schema,
  parent: Schema,
  flags: RenameFlags,
): { renames: Rename[]; questions: RenameQuestion[] } {
  const dropped = [...base.values()].filter((object) => isGone(object, branch, base))
  const made = [...branch.values()].filter((object) => isGone(object, base, branch))
  const renames = flags.renames.map(({ from, to }) => {
    const before = named(dropped, from)
    const after = made.find((object) => isSibling(before, object) && lastName(object) === to)
    if (!after)
      throw new AdvisedError(`The branch has made no ${before.kind} ${to} beside ${from}.`)
    return { from: before, to: after }
  })
  const dropping = new Set(flags.drops.map((name) => named(dropped, name)))
  const taken = new Set(renames.map(({ to }) => to))
  const questions = dropped
    .filter((object) => !dropping.has(object) && !renames.some(({ from }) => from === object))
    .map((object) => ({
      dropped: object,
      candidates: made.filter(
        (other) =>
          !taken.has(other) && isSibling(object, other) && isAlike(object, other, base, branch),
      ),
    }))
    .filter(
      ({ dropped: { kind, key }, candidates }) =>
        candidates.length > 0 &&
        (parent.has(`${kind} ${key}`) ||
          !candidates.some((one) => parent.has(`${kind} ${one.key}`))),
    )
  return { renames, questions }
}

/** What was renamed has to be said first. */
export class UnansweredRenamesError extends AdvisedError {
  readonly questions: readonly RenameQuestion[]

  constructor(questions: readonly RenameQuestion[]) {
    super('Renamed, or dropped and made anew? The schemas do not say.', {
      advice: waysToAnswer(questions).join('\n'),
    })
    this.questions = questions
  }
}

/** Answers by what has been said beforehand. Rejects with `UnansweredRenamesError` what that leaves open. */
export function answerBy(flags: RenameFlags): AnswerRenames {
  return async (base, branch, parent) => {
    const { renames, questions } = findRenames(base, branch, parent, flags)
    if (questions.length > 0) throw new UnansweredRenamesError(questions)
    return renames
  }
}

function waysToAnswer(questions: readonly RenameQuestion[]): string[] {
  return questions.flatMap(({ dropped, candidates }) => {
    const name = describeName(dropped.key)
    return [
      `${dropped.kind} ${name} is gone. One of:`,
      ...candidates.map((candidate) => `  --rename ${name}=${lastName(candidate)}`),
      `  --drop ${name}`,
    ]
  })
}

/** The statement, or undefined where the schema has nothing to rename. */
export function renameStatement({ from, to }: Rename, schema: Schema): string | undefined {
  const isThere = (object: SchemaObject) => schema.has(`${object.kind} ${object.key}`)
  if (!isThere(from) || isThere(to)) return undefined
  const table = `alter ${from.data.target ?? ''}`
  return from.kind === 'column'
    ? `${table} rename column ${quoteName(from.data.name ?? '')} to ${quoteName(lastName(to))}`
    : `${table} rename to ${quoteName(lastName(to))}`
}

/** `users.name=full_name`, as `--rename` takes it. */
export function parseRename(text: string): { from: string; to: string } {
  const [from, to, more] = text.split('=').map((part) => part.trim())
  if (from && to && more === undefined) return { from, to }
  throw new AdvisedError(`${text} is not a rename.`, {
    advice: 'Write --rename table.old=new for a column, --rename old=new for a table.',
  })
}

/** The name without table or schema, as people write it. */
export function lastName(object: SchemaObject): string {
  return object.data.name ?? keyParts(object.key).at(-1) ?? ''
}

/** Whether the other side has no such object, in a table that it does have. */
function isGone(object: SchemaObject, from: Schema, own: Schema): boolean {
  if (from.has(`${object.kind} ${object.key}`)) return false
  if (object.kind === 'table') return true
  return (
    object.kind === 'column' &&
    object.parent !== null &&
    from.has(object.parent) &&
    own.has(object.parent)
  )
}

function isSibling(a: SchemaObject, b: SchemaObject): boolean {
  if (a.kind !== b.kind) return false
  return a.kind === 'column' ? a.parent === b.parent : schemaOf(a) === schemaOf(b)
}

/** Columns of the same type; tables with the same columns. */
function isAlike(dropped: SchemaObject, made: SchemaObject, base: Schema, branch: Schema): boolean {
  if (dropped.kind === 'column') return dropped.data.type === made.data.type
  const columns = columnsOf(dropped, base)
  return columns !== '' && columns === columnsOf(made, branch)
}

function columnsOf({ key }: SchemaObject, schema: Schema): string {
  return [...schema.values()]
    .filter(({ kind, parent }) => kind === 'column' && parent === `table ${key}`)
    .map(({ data }) => `${data.name} ${data.type}`)
    .toSorted()
    .join(', ')
}

function named(dropped: readonly SchemaObject[], name: string): SchemaObject {
  const plain = (key: string) => keyParts(key).join('.')
  const found = dropped.find(
    ({ key }) => describeName(key) === name || key === name || plain(key) === name,
  )
  if (found) return found
  const names = dropped.map(({ key }) => describeName(key))
  throw new AdvisedError(`The branch has dropped no table or column ${name}.`, {
    advice: `It has dropped ${names.length === 0 ? 'none' : names.join(', ')}.`,
  })
}

function schemaOf({ key }: SchemaObject): string | undefined {
  return keyParts(key)[0]
}

function keyParts(key: string): string[] {
  return [...key.matchAll(/"((?:[^"]|"")*)"/g)].map(([, name = '']) => name.replaceAll('""', '"'))
}
