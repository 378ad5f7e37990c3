import type { MergeConflict } from '@coppice/api'

import { describeObject, type Schema, type SchemaObject } from './schema-object.ts'

/** What a branch has done to an object; absent before where it made it, after where it dropped it. */
export interface Change {
  id: string
  before: SchemaObject | undefined
  after: SchemaObject | undefined
}

/** What a merge has to do. */
export interface ThreeWay {
  changes: Change[]
  conflicts: MergeConflict[]
  /** Objects that both have changed in the same way. */
  alike: string[]
}

/**
 * What the branch changed since `base`, checked against what the parent changed since. What only the parent
 * changed stays as it is there.
 */
export function compareThreeWay(base: Schema, branch: Schema, parent: Schema): ThreeWay {
  const result: ThreeWay = { changes: [], conflicts: [], alike: [] }
  const settled = conflictingWholes(base, branch, parent)
  for (const [id, whole] of settled)
    result.conflicts.push(conflictOf(whole, base, branch, parent, id))
  for (const id of new Set([...base.keys(), ...branch.keys()])) {
    const [before, after, there] = [base.get(id), branch.get(id), parent.get(id)]
    const object = after ?? before
    if (!object || isSame(before, after) || belongsTo(object, settled, base, branch)) continue
    if (isSame(after, there)) result.alike.push(describeObject(object))
    else if (isSame(before, there)) result.changes.push({ id, before, after })
    else result.conflicts.push(conflictOf(object, base, branch, parent, id))
  }
  result.conflicts.push(...orphans(result.changes, base, branch, parent))
  return result
}

/** The schema of the parent once the changes are made. */
export function withChanges(parent: Schema, changes: readonly Change[]): Schema {
  const result = new Map(parent)
  for (const { id, after } of changes) {
    if (after) result.set(id, after)
    else result.delete(id)
  }
  return result
}

/** The objects in which two schemas differ. */
export function differencesOf(before: Schema, after: Schema): Change[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((id) => {
    const change = { id, before: before.get(id), after: after.get(id) }
    return isSame(change.before, change.after) ? [] : [change]
  })
}

function isSame(a: SchemaObject | undefined, b: SchemaObject | undefined): boolean {
  return a?.definition === b?.definition && (a === undefined) === (b === undefined)
}

/**
 * Objects that are in conflict with all that belongs to them: one side has dropped a table in which the other
 * has changed something, or both have made one under the same name.
 */
function conflictingWholes(
  base: Schema,
  branch: Schema,
  parent: Schema,
): Map<string, SchemaObject> {
  const wholes = new Map<string, SchemaObject>()
  for (const id of new Set([...base.keys(), ...branch.keys()])) {
    const [before, after, there] = [base.get(id), branch.get(id), parent.get(id)]
    const object = before ?? after
    if (!object || object.kind === 'grant' || object.kind === 'comment') continue
    const isMadeTwice = !before && after && there && object.kind === 'table'
    const clash =
      (before && !after && there && hasChanged(id, base, parent)) ||
      (before && after && !there && hasChanged(id, base, branch)) ||
      (isMadeTwice && hasChanged(id, branch, parent))
    if (clash) wholes.set(id, object)
  }
  return wholes
}

/** Whether anything that belongs to an object differs. */
function hasChanged(id: string, before: Schema, after: Schema): boolean {
  return differencesOf(before, after).some((change) =>
    [change.before, change.after].some((object) => object?.parent === id),
  )
}

function belongsTo(
  object: SchemaObject,
  wholes: ReadonlyMap<string, SchemaObject>,
  ...schemas: Schema[]
): boolean {
  for (let at: SchemaObject | undefined = object; at;) {
    const { kind, key, parent }: SchemaObject = at
    if (wholes.has(`${kind} ${key}`)) return true
    at = parent === null ? undefined : schemas.map((schema) => schema.get(parent)).find(Boolean)
  }
  return false
}

/** Changes of what the parent no longer has: a grant on a view that is gone there. */
function orphans(
  changes: readonly Change[],
  base: Schema,
  branch: Schema,
  parent: Schema,
): MergeConflict[] {
  const merged = withChanges(parent, changes)
  return changes.flatMap(({ id, after }) =>
    after?.parent && branch.has(after.parent) && !merged.has(after.parent)
      ? [conflictOf(after, base, branch, parent, id)]
      : [],
  )
}

function conflictOf(
  object: SchemaObject,
  base: Schema,
  branch: Schema,
  parent: Schema,
  id: string,
): MergeConflict {
  return {
    object: describeObject(object),
    base: wholeDefinition(base, id),
    branch: wholeDefinition(branch, id),
    parent: wholeDefinition(parent, id),
  }
}

/** Of a table with its columns, which say more than that it is one. */
function wholeDefinition(schema: Schema, id: string): string | null {
  const object = schema.get(id)
  if (!object) return null
  if (object.kind !== 'table') return object.definition
  const columns = [...schema.values()]
    .filter(({ kind, parent }) => kind === 'column' && parent === id)
    .map(({ definition }) => definition)
  return columns.length === 0 ? object.definition : `${object.definition} (${columns.join(', ')})`
}
