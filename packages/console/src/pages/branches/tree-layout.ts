import type { Branch } from '@coppice/api'

/**
 * Branches as a tree drawn over time: each has a row, on which its life is a line from left to right.
 *
 * Children stand below their parent, those that left it last first. So what leads from a parent to a child
 * crosses no line: every row that it passes begins to the right of it.
 */
export interface TreeRow {
  branch: Branch
  depth: number
  /** When its line begins. */
  beginMs: number
  /** The moment whose data it began with, or that it was last given. */
  startMs: number
  childCount: number
  isCollapsed: boolean
}

/** Where a branch left its parent. */
export interface Fork {
  atMs: number
  fromRow: number
  toRow: number
}

export interface TreeLayout {
  rows: TreeRow[]
  forks: Fork[]
}

/** Rows in their order, without what is below a collapsed branch. */
export function layoutTree(
  branches: readonly Branch[],
  collapsed: ReadonlySet<string> = new Set(),
): TreeLayout {
  const children = childrenByParent(branches)
  const layout: TreeLayout = { rows: [], forks: [] }
  // A stack instead of recursion: a chain of branches may be deeper than calls can be.
  const waiting: { branch: Branch; depth: number; parentRow: number | undefined }[] = []
  const push = (found: readonly Branch[], depth: number, parentRow: number | undefined): void => {
    for (const branch of found.toReversed()) waiting.push({ branch, depth, parentRow })
  }
  push(children.get(undefined) ?? [], 0, undefined)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { branch, depth, parentRow } = next
    const below = children.get(branch.id) ?? []
    const row = layout.rows.length
    const startMs = startOf(branch)
    const isCollapsed = collapsed.has(branch.id) && below.length > 0
    layout.rows.push({
      branch,
      depth,
      beginMs: Math.min(startMs, Date.parse(branch.created_at)),
      startMs,
      childCount: below.length,
      isCollapsed,
    })
    const parent = parentRow === undefined ? undefined : layout.rows[parentRow]
    if (parent !== undefined && parentRow !== undefined) {
      layout.forks.push({ atMs: Math.max(startMs, parent.beginMs), fromRow: parentRow, toRow: row })
    }
    if (!isCollapsed) push(below, depth + 1, row)
  }
  return layout
}

/** A branch whose parent is not among them is a root: it was deleted, or is not shown. */
function childrenByParent(branches: readonly Branch[]): Map<string | undefined, Branch[]> {
  const ids = new Set(branches.map(({ id }) => id))
  const children = new Map<string | undefined, Branch[]>()
  for (const branch of branches) {
    const parent = branch.parent_id && ids.has(branch.parent_id) ? branch.parent_id : undefined
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [branch])
    else siblings.push(branch)
  }
  for (const siblings of children.values()) siblings.sort((a, b) => startOf(b) - startOf(a))
  children.get(undefined)?.sort((a, b) => Number(b.default) - Number(a.default))
  return children
}

function startOf(branch: Branch): number {
  return Date.parse(branch.last_reset_at ?? branch.parent_timestamp ?? branch.created_at)
}

/** How far a fork bends before it is its row's line. */
export const bendPx = 12

/**
 * Where each row's line begins, in pixels: behind its fork, which leaves no parent's line before that
 * begins. What happened within one second stays apart that way.
 */
export function placeLines(
  { rows, forks }: TreeLayout,
  xOf: (ms: number) => number,
  nowX: number,
): number[] {
  const lineXs = rows.map(({ startMs }) => xOf(startMs))
  // Parents come before their children.
  for (const { atMs, fromRow, toRow } of forks) {
    const forkX = Math.max(xOf(atMs), lineXs[fromRow] ?? 0)
    lineXs[toRow] = Math.min(forkX + bendPx, nowX)
  }
  return lineXs
}

/** Of the forks that only pass, one in so many pixels: hundreds of them side by side would be a wall. */
const passingGapPx = 7

export interface VisibleFork extends Fork {
  /** It ends below what is in sight. */
  isPassing: boolean
}

/** The forks that cross one of these rows: all that end in it, and of those that pass the longest here and there. */
export function visibleForks(
  forks: readonly Fork[],
  first: number,
  last: number,
  xOf: (fork: Fork) => number,
): VisibleFork[] {
  const ending: VisibleFork[] = []
  const passing = new Map<number, VisibleFork>()
  for (const fork of forks) {
    if (fork.fromRow > last || fork.toRow < first) continue
    if (fork.toRow <= last) {
      ending.push({ ...fork, isPassing: false })
      continue
    }
    const place = Math.round(xOf(fork) / passingGapPx)
    if ((passing.get(place)?.toRow ?? 0) < fork.toRow) {
      passing.set(place, { ...fork, isPassing: true })
    }
  }
  return [...passing.values(), ...ending]
}

/** Those whose name has `search` in it, and what they come from, so that the tree stays one. */
export function withAncestors(
  branches: readonly Branch[],
  matches: (branch: Branch) => boolean,
): Branch[] {
  const byId = new Map(branches.map((branch) => [branch.id, branch]))
  const kept = new Set<string>()
  for (const branch of branches.filter(matches)) {
    for (
      let at: Branch | undefined = branch;
      at !== undefined && !kept.has(at.id);
      at = at.parent_id === undefined ? undefined : byId.get(at.parent_id)
    ) {
      kept.add(at.id)
    }
  }
  return branches.filter(({ id }) => kept.has(id))
}

/**
 * Bytes that a branch has of its own: a root all of its data; another at most what it has written this
 * month, for the rest is shared with its parent. Undefined before it was measured.
 */
export function ownBytes({
  parent_id,
  logical_size,
  written_data_bytes,
}: Branch): number | undefined {
  if (logical_size === undefined || parent_id === undefined) return logical_size
  return Math.min(logical_size, written_data_bytes)
}
