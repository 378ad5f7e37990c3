/** What has happened to a branch, as marks on its time. */
import type { Branch, BranchHistory, Operation, Snapshot } from '@coppice/api'

import { shareOf, type TimeView } from '../../ui/time-view.ts'

export type MarkerKind = 'snapshot' | 'restore' | 'branch' | 'migration' | 'origin'

export interface Marker {
  id: string
  ms: number
  kind: MarkerKind
  /** `snapshot nightly`: fits into a sentence. */
  label: string
}

export interface Migration {
  name: string
  appliedMs: number
}

interface Happened {
  branch: Branch
  branches: readonly Branch[]
  history: BranchHistory
  snapshots: readonly Snapshot[]
  operations: readonly Operation[]
  migrations: readonly Migration[]
}

/** Oldest first. */
export function gatherMarkers(happened: Happened): Marker[] {
  const { branch, branches, snapshots, operations, migrations } = happened
  const children = branches.filter(({ parent_id }) => parent_id === branch.id)
  return [
    ...originOf(happened),
    ...snapshots
      .filter(({ source_branch_id }) => source_branch_id === branch.id)
      .map(({ id, name, timestamp, created_at }) =>
        mark(id, timestamp ?? created_at, 'snapshot', `snapshot ${name}`),
      ),
    ...children.map(({ id, name, parent_timestamp, created_at }) =>
      mark(id, parent_timestamp ?? created_at, 'branch', `${name} branched off`),
    ),
    ...operations
      .filter((one) => one.branch_id === branch.id && one.action === 'swap_binding_id')
      .filter(({ status }) => status === 'finished')
      .map(({ id, created_at }) => mark(id, created_at, 'restore', 'restored or reset')),
    ...migrations.map(({ name, appliedMs }) => ({
      id: `migration ${name}`,
      ms: appliedMs,
      kind: 'migration' as const,
      label: `migration ${name}`,
    })),
  ].toSorted((a, b) => a.ms - b.ms)
}

/** Where the branch left its parent, or what it was restored from. */
function originOf({ branch, history, snapshots }: Happened): Marker[] {
  const [, from] = history.lines
  const until = from?.until?.timestamp ?? branch.parent_timestamp
  if (from === undefined || until === undefined) return []
  // The branch that a snapshot is goes by its id.
  const snapshot = snapshots.find(({ id }) => id === from.branch_name)
  const label = snapshot
    ? `the data of snapshot ${snapshot.name}`
    : `its data left ${from.branch_name}`
  return [mark('origin', until, 'origin', label)]
}

const mark = (id: string, at: string, kind: MarkerKind, label: string): Marker => ({
  id,
  ms: Date.parse(at),
  kind,
  label,
})

export interface MarkerGroup {
  /** In the middle of its markers, as a share of the view. */
  share: number
  markers: Marker[]
}

/** Those in the view; what would overlap is one mark. */
export function groupMarkers(
  markers: readonly Marker[],
  view: TimeView,
  widthPx: number,
  gapPx = 26,
): MarkerGroup[] {
  const groups: { first: number; last: number; markers: Marker[] }[] = []
  for (const marker of markers) {
    const share = shareOf(view, marker.ms)
    if (share < 0 || share > 1) continue
    const group = groups.at(-1)
    if (group !== undefined && (share - group.first) * widthPx < gapPx) {
      group.last = share
      group.markers.push(marker)
    } else groups.push({ first: share, last: share, markers: [marker] })
  }
  return groups.map(({ first, last, markers: own }) => ({
    share: (first + last) / 2,
    markers: own,
  }))
}

/** The nearest before and after a moment, those at the moment left out. */
export function neighboursOf(
  markers: readonly Marker[],
  ms: number,
): { before: Marker | undefined; after: Marker | undefined } {
  return {
    before: markers.findLast((marker) => marker.ms < Math.floor(ms)),
    after: markers.find((marker) => marker.ms > Math.ceil(ms)),
  }
}
