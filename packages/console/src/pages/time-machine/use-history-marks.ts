/** What the slider shows of a branch's past, from what the API says. */
import type { Branch, BranchHistory } from '@coppice/api'
import { useQuery } from '@tanstack/react-query'

import { queries } from '../../api/queries.ts'
import { msOfLsn } from '../../ui/moment.ts'
import type { TimeView } from '../../ui/time-view.ts'
import { type Segment, segmentsOf } from '../awake/awake-lanes.ts'
import { gatherMarkers, type Marker, type Migration } from './markers.ts'

/** Where an LSN is on the axis, about. */
export function placeOf(history: BranchHistory, lsn: string): number | undefined {
  const { earliest, latest, lines } = history
  const points = [earliest, latest, ...lines.flatMap(({ snapshots }) => snapshots)]
  return msOfLsn(
    lsn,
    points.flatMap((point) =>
      point === undefined ? [] : [{ ms: Date.parse(point.timestamp), lsn: point.lsn }],
    ),
  )
}

/** Where recoveries can begin, within the window. */
export function restorePointsOf(history: BranchHistory, bounds: TimeView): number[] {
  const all = history.lines.flatMap(({ snapshots }) =>
    snapshots.map(({ timestamp }) => Date.parse(timestamp)),
  )
  return [...new Set(all)].filter((ms) => ms >= bounds.fromMs)
}

/** What has happened to the branch, oldest first. */
export function useMarkers(
  branch: Branch,
  history: BranchHistory,
  migrations: readonly Migration[],
): Marker[] {
  const { project_id } = branch
  const branches = useQuery(queries.branches(project_id)).data ?? []
  const snapshots = useQuery(queries.snapshots(project_id)).data ?? []
  const operations = useQuery(queries.operations(project_id)).data ?? []
  return gatherMarkers({ branch, branches, history, snapshots, operations, migrations })
}

/** When the branch's own compute was awake: outside of that nobody can have changed anything. */
export function useActivity(branch: Branch, bounds: TimeView): Segment[] {
  const endpoints = useQuery(queries.endpoints(branch.project_id)).data ?? []
  const primary = endpoints.find(
    ({ branch_id, type }) => branch_id === branch.id && type === 'read_write',
  )
  const awake = useQuery({
    ...queries.endpointAwake(branch.project_id, primary?.id ?? ''),
    enabled: primary !== undefined,
  }).data
  return awake === undefined ? [] : segmentsOf(awake, bounds)
}
