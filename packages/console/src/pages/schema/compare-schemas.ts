import { alignLines, type AlignedLine } from './align-lines.ts'

/** An object of a schema on both sides. */
export interface ComparedObject {
  /** `table users`: its kind, and its name, without `public`. */
  name: string
  kind: 'same' | 'added' | 'dropped' | 'changed'
  lines: AlignedLine[]
}

interface Section {
  name: string
  lines: string[]
}

/** Before each object of a script, as pg_dump writes it and as the platform does. */
const dumpHeading = /^-- Name: (.+); Type: (.+?); Schema: (.+?)(?:;|$)/
const ownHeading = /^-- ([A-Z][A-Z ]*) (\S.*)$/
/** What comes after the objects. */
const closing = /^-- (Privileges|End of the schema|PostgreSQL database dump complete)$/
/** Lines of pg_dump that stand wherever the first table happens to stand, or are never the same. */
const noise = /^SET default_(?:tablespace|table_access_method)\b|^\\(?:un)?restrict\b/
/** What keeps track of migrations is no part of what people compare. */
const isOurs = (name: string): boolean => /^schema "?coppice"?$| "?coppice"?\./.test(name)

/**
 * Two scripts object by object, so that it does not matter in which order they stand: in the order of the
 * first, with what the second has besides behind what it stands behind there.
 */
export function compareSchemas(left: string, right: string): ComparedObject[] {
  const before = sectionsOf(left)
  const after = sectionsOf(right)
  return inBothOrders([...before.keys()], [...after.keys()]).map((name) => {
    const [old, current] = [before.get(name), after.get(name)]
    const kind = kindOf(old, current)
    return { name, kind, lines: alignLines(old ?? [], current ?? []) }
  })
}

function kindOf(
  old: readonly string[] | undefined,
  current: readonly string[] | undefined,
): ComparedObject['kind'] {
  if (old === undefined) return 'added'
  if (current === undefined) return 'dropped'
  return old.join('\n') === current.join('\n') ? 'same' : 'changed'
}

function inBothOrders(left: readonly string[], right: readonly string[]): string[] {
  const names = [...left]
  const known = new Set(left)
  for (const [at, name] of right.entries()) {
    if (known.has(name)) continue
    known.add(name)
    const previous = right[at - 1]
    names.splice(previous === undefined ? 0 : names.indexOf(previous) + 1, 0, name)
  }
  return names
}

/** The statements of each object by its name; a name that comes again is numbered. */
function sectionsOf(script: string): Map<string, string[]> {
  const sections: Section[] = []
  for (const line of script.split('\n')) {
    const name = headingOf(line)
    if (name !== undefined) sections.push({ name, lines: [] })
    else if (line !== '--' && !noise.test(line)) sections.at(-1)?.lines.push(line)
  }
  const named = new Map<string, string[]>()
  for (const { name, lines } of sections) {
    const text = trimmed(lines)
    if (isOurs(name) || text.length === 0) continue
    let unique = name
    for (let at = 2; named.has(unique); at++) unique = `${name} (${at})`
    named.set(unique, text)
  }
  return named
}

function trimmed(lines: readonly string[]): string[] {
  const isFull = (line: string): boolean => line.trim() !== ''
  const first = lines.findIndex(isFull)
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex(isFull) + 1)
}

function headingOf(text: string): string | undefined {
  const dumped = dumpHeading.exec(text)
  if (dumped) {
    const [, name = '', type = '', schema = ''] = dumped
    const place = schema === '-' || schema === 'public' ? '' : `${schema}.`
    return `${type.toLowerCase()} ${place}${name}`
  }
  const [, end] = closing.exec(text) ?? []
  if (end !== undefined) return end.toLowerCase()
  const [, type, name] = ownHeading.exec(text) ?? []
  if (type === undefined || name === undefined) return undefined
  return `${type.toLowerCase()} ${name.replace(/^public\./, '')}`
}
