/** A node of a parse tree: PostgreSQL's name of the kind, and its fields. */
export interface TreeNode {
  kind: string
  fields: Fields
}
export type Fields = Readonly<Record<string, unknown>>

/** The parser writes a node as an object with one key, its kind. */
export function nodeOf(value: unknown): TreeNode | undefined {
  if (!isFields(value)) return undefined
  const [entry, another] = Object.entries(value)
  if (entry === undefined || another !== undefined) return undefined
  const [kind, fields] = entry
  return /^[A-Z]/.test(kind) && isFields(fields) ? { kind, fields } : undefined
}

/** The nodes of a field that holds a list. */
export function nodesOf(value: unknown): TreeNode[] {
  if (!Array.isArray(value)) return []
  return value.map((item) => nodeOf(item)).filter((node) => node !== undefined)
}

/** Whether a node of the tree is as asked; the whole tree below `value` is looked at. */
export function someNode(value: unknown, test: (node: TreeNode) => boolean): boolean {
  if (Array.isArray(value)) return value.some((item) => someNode(item, test))
  if (!isFields(value)) return false
  const node = nodeOf(value)
  if (node && test(node)) return true
  return Object.values(value).some((item) => someNode(item, test))
}

/** The last part of a qualified name: of a function, a type. */
export function lastName(value: unknown): string {
  const last = nodesOf(value).at(-1)
  return text(last?.fields['sval']) ?? ''
}

/** The name of a RangeVar, with its schema where it is written. */
export function relationName(value: unknown): string {
  if (!isFields(value)) return ''
  const [schema, name] = [text(value['schemaname']), text(value['relname']) ?? '']
  return schema === undefined ? name : `${schema}.${name}`
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
