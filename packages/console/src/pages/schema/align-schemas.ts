/** One side of a line of two scripts beside each other. */
export interface SideLine {
  /** From 1. */
  number: number
  text: string
}

/** A line of two scripts beside each other. */
export interface AlignedLine {
  kind: 'same' | 'changed'
  /** Absent where the other side alone has the line. */
  left: SideLine | undefined
  right: SideLine | undefined
}

/** An object of a schema that the two sides do not have alike. */
export interface ChangedObject {
  kind: 'added' | 'dropped' | 'changed'
  name: string
  /** The first aligned line of it that differs. */
  at: number
}

const hunkHeading = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,\d+)? @@/

/**
 * Two scripts beside each other: the first as it is, the second by the unified diff that leads to it. What
 * follows each other in a hunk as removed and added stands on one line.
 */
export function alignScripts(script: string, diff: string): AlignedLine[] {
  const old = script === '' ? [] : script.split('\n')
  const lines: AlignedLine[] = []
  let left = 0
  let right = 0
  let removed: SideLine[] = []
  let added: SideLine[] = []
  const settle = (): void => {
    for (let at = 0; at < Math.max(removed.length, added.length); at++) {
      lines.push({ kind: 'changed', left: removed[at], right: added[at] })
    }
    removed = []
    added = []
  }
  const same = (text: string): void => {
    settle()
    lines.push({
      kind: 'same',
      left: { number: ++left, text },
      right: { number: ++right, text },
    })
  }
  const start = diff.search(/^@@/m)
  for (const line of start < 0 ? [] : diff.slice(start).split('\n')) {
    const heading = hunkHeading.exec(line)
    if (heading) {
      settle()
      // Where a hunk removes nothing, its number is of the line before.
      const from = Number(heading[1]) - (heading[2] === '0' ? 0 : 1)
      while (left < from) same(old[left] ?? '')
    } else if (line.startsWith('-')) removed.push({ number: ++left, text: line.slice(1) })
    else if (line.startsWith('+')) added.push({ number: ++right, text: line.slice(1) })
    else if (line.startsWith(' ')) same(line.slice(1))
  }
  settle()
  while (left < old.length) same(old[left] ?? '')
  return lines
}

/** Before each object of a script, as pg_dump writes it and as the platform does. */
const dumpHeading = /^-- Name: (.+); Type: (.+?); Schema: (.+?)(?:;|$)/
const ownHeading = /^-- ([A-Z][A-Z ]*) (\S.*)$/

/** What keeps track of migrations is no part of what people compare. */
const isOurs = (name: string): boolean => /^schema "?coppice"?$| "?coppice"?\./.test(name)

/** The objects that differ, in the order of the scripts. */
export function changedObjects(lines: readonly AlignedLine[]): ChangedObject[] {
  const objects = new Map<string, ChangedObject>()
  const current: { left: string; right: string } = { left: '', right: '' }
  const seen = { left: new Set<string>(), right: new Set<string>() }
  for (const { left, right } of lines) {
    for (const [side, line] of [
      ['left', left],
      ['right', right],
    ] as const) {
      const name = line && headingOf(line.text)
      if (name !== undefined) {
        current[side] = name
        seen[side].add(name)
      }
    }
  }
  current.left = ''
  current.right = ''
  for (const [at, { kind, left, right }] of lines.entries()) {
    for (const [side, line] of [
      ['left', left],
      ['right', right],
    ] as const) {
      if (line === undefined) continue
      const name = headingOf(line.text)
      if (name !== undefined) current[side] = name
      if (kind !== 'changed' || isNoise(line.text)) continue
      const object = current[side]
      if (object === '' || isOurs(object) || objects.has(object)) continue
      const change = !seen.left.has(object)
        ? 'added'
        : seen.right.has(object)
          ? 'changed'
          : 'dropped'
      objects.set(object, { kind: change, name: object, at })
    }
  }
  return [...objects.values()]
}

/** Lines of what the platform itself keeps in a database, to be left out of what is shown. */
export function withoutOwnObjects(lines: readonly AlignedLine[]): AlignedLine[] {
  let left = ''
  let right = ''
  return lines.filter((line) => {
    left = (line.left && headingOf(line.left.text)) ?? left
    right = (line.right && headingOf(line.right.text)) ?? right
    return !isOurs(line.right ? right : left)
  })
}

const isNoise = (text: string): boolean => text === '' || text === '--'

function headingOf(text: string): string | undefined {
  const dumped = dumpHeading.exec(text)
  if (dumped) {
    const [, name = '', type = '', schema = ''] = dumped
    const place = schema === '-' || schema === 'public' ? '' : `${schema}.`
    return `${type.toLowerCase()} ${place}${name}`
  }
  const [, type, name] = ownHeading.exec(text) ?? []
  if (type === undefined || name === undefined) return undefined
  return `${type.toLowerCase()} ${name.replace(/^public\./, '')}`
}

/** A run of lines to be shown, or one of equal lines that is folded. */
export interface Block {
  isFolded: boolean
  /** The first line of it. */
  start: number
  lines: AlignedLine[]
}

/** Equal lines around a change that are shown with it. */
const context = 3

/** Folds what is equal, but for some lines around what is not. */
export function foldEqual(lines: readonly AlignedLine[]): Block[] {
  const near = new Set<number>()
  for (const [at, { kind }] of lines.entries()) {
    if (kind === 'same') continue
    for (let other = at - context; other <= at + context; other++) near.add(other)
  }
  const blocks: Block[] = []
  for (const [at, line] of lines.entries()) {
    const isFolded = !near.has(at)
    const last = blocks.at(-1)
    if (last?.isFolded === isFolded) last.lines.push(line)
    else blocks.push({ isFolded, start: at, lines: [line] })
  }
  return blocks
}

/** What of two lines differs: the texts before and after it are the same. */
export function differingPart(
  one: string,
  other: string,
): { start: number; ends: [number, number] } {
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start++
  let tail = 0
  while (tail < shorter - start && one.at(-1 - tail) === other.at(-1 - tail)) tail++
  return { start, ends: [one.length - tail, other.length - tail] }
}
