import type { Branch, BranchHistory } from '@coppice/api'
import { ActionIcon, Anchor, Group, SimpleGrid, Stack, Text, Tooltip } from '@mantine/core'
import {
  IconArrowsMaximize,
  IconHistoryOff,
  IconPlayerSkipBack,
  IconPlayerSkipForward,
  IconZoomIn,
  IconZoomOut,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'

import { queries } from '../../api/queries.ts'
import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { type BranchChoice, useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { paths } from '../../paths.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { formatBytes, formatDuration } from '../../ui/format.ts'
import { type Moment, momentAt, msOfLsn } from '../../ui/moment.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useNow } from '../../ui/RelativeTime.tsx'
import { clampTo, localText, spanOf, type TimeView, zoomView } from '../../ui/time-view.ts'
import { type Segment, segmentsOf } from '../awake/awake-lanes.ts'
import { useProjectId } from '../use-project-id.ts'
import { BackupSchedule } from './BackupSchedule.tsx'
import { gatherMarkers, type Marker, type Migration, neighboursOf } from './markers.ts'
import { MomentActions } from './MomentActions.tsx'
import { MomentField } from './MomentField.tsx'
import { Snapshots } from './Snapshots.tsx'
import { ThenAndNow } from './ThenAndNow.tsx'
import { TimeSlider, zoomStep } from './TimeSlider.tsx'
import { useMoment } from './use-moment.ts'

import classes from './time-slider.module.css'

/** Where the slider stands at first: so long ago, or in the middle of a younger window. */
const firstLookMs = 3_600_000
/** What is known of the present is at most so old. */
const tickMs = 10_000

/** Any moment of a branch's history window: looked at, compared with now, branched or restored from. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  const { branch } = choice
  return (
    <>
      <PageHeader
        title="Time machine"
        description="Choose a moment, see what was there, and go on from it."
        actions={<BranchChooser choice={choice} />}
      />
      {branch === undefined ? (
        choice.error && <ErrorState error={choice.error} />
      ) : (
        // Of another branch everything begins anew.
        <Machine key={branch.id} branch={branch} choice={choice} />
      )}
    </>
  )
}

interface MachineProps {
  branch: Branch
  choice: BranchChoice
}

function Machine({ branch, choice }: MachineProps): ReactNode {
  const { id, project_id } = branch
  const history = useQuery({ ...queries.branchHistory(project_id, id), retry: false })
  const [migrations, setMigrations] = useState<readonly Migration[]>([])
  return (
    <Stack gap="md">
      <QueryView query={history} skeletonLines={6}>
        {(found) =>
          found.earliest === undefined ? (
            <Panel>
              <NoHistory projectId={project_id} />
            </Panel>
          ) : (
            <Window
              branch={branch}
              choice={choice}
              history={found}
              earliestMs={Date.parse(found.earliest.timestamp)}
              migrations={migrations}
              onMigrations={setMigrations}
            />
          )
        }
      </QueryView>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Snapshots branch={branch} />
        <BackupSchedule branch={branch} />
      </SimpleGrid>
    </Stack>
  )
}

function NoHistory({ projectId }: { projectId: string }): ReactNode {
  return (
    <EmptyState icon={IconHistoryOff} title="Nothing of its past is kept yet">
      A branch can be gone back to once it has been used, within the project’s{' '}
      <Anchor component={Link} to={`${paths.settings(projectId)}?section=history`} size="sm">
        history window
      </Anchor>
      .
    </EmptyState>
  )
}

interface WindowProps extends MachineProps {
  history: BranchHistory
  earliestMs: number
  migrations: readonly Migration[]
  onMigrations: (migrations: readonly Migration[]) => void
}

function Window(props: WindowProps): ReactNode {
  const { branch, choice, history, earliestMs, migrations, onMigrations } = props
  const [chosen, setMoment] = useMoment()
  const [openedMs] = useState(Date.now)
  const nowMs = useNow()
  /** Undefined for the whole, which grows with time. */
  const [closer, setCloser] = useState<TimeView>()
  const chosenMs = chosen && (chosen.kind === 'time' ? chosen.ms : placeOf(history, chosen.lsn))
  const toMs = Math.max(nowMs, openedMs, earliestMs + 1000)
  const bounds = {
    fromMs: earliestMs,
    toMs: Math.max(toMs, Math.min(chosenMs ?? 0, nowMs + tickMs)),
  }
  const first = Math.round(openedMs - Math.min(firstLookMs, (openedMs - earliestMs) / 2))
  const moment = chosen ?? momentAt(first)
  const ms = chosenMs ?? first
  const view = closer ?? bounds
  const onView = (next: TimeView): void =>
    setCloser(spanOf(next) >= spanOf(bounds) ? undefined : next)
  const markers = useMarkers(branch, history, migrations)
  const activity = useActivity(branch, bounds)
  const problem = problemOf(moment, bounds)
  return (
    <>
      <Panel
        title={`History of ${branch.name}`}
        description={`${formatDuration((nowMs - earliestMs) / 1000)} within reach, with ${formatBytes(history.wal_bytes)} of WAL`}
        actions={<ZoomButtons bounds={bounds} view={view} onView={onView} ms={ms} />}
      >
        <Stack gap="md">
          <div>
            <TimeSlider
              bounds={bounds}
              view={view}
              onView={onView}
              ms={ms}
              onChange={(next) => setMoment(momentAt(next))}
              markers={markers}
              restorePoints={restorePointsOf(history, bounds)}
              activity={activity}
            />
            <Legend />
          </div>
          <Group gap="md" align="flex-start">
            <MomentField moment={moment} onChange={setMoment} problem={problem} />
            <Nearby markers={markers} ms={ms} onChoose={(next) => setMoment(momentAt(next))} />
          </Group>
          <MomentActions
            branch={branch}
            database={choice.database?.name}
            moment={moment}
            disabled={problem !== undefined}
          />
        </Stack>
      </Panel>
      <ThenAndNow
        key={`${choice.database?.name} ${choice.role}`}
        branch={branch}
        choice={choice}
        moment={moment}
        disabled={problem !== undefined}
        onMigrations={onMigrations}
      />
    </>
  )
}

function problemOf(moment: Moment, bounds: TimeView): string | undefined {
  if (moment.kind === 'lsn') return undefined
  if (moment.ms < Math.floor(bounds.fromMs)) {
    return `The history begins ${localText(bounds.fromMs).slice(0, 19)}`
  }
  return moment.ms > bounds.toMs ? 'That is still to come' : undefined
}

/** Where an LSN is on the axis, about. */
function placeOf(history: BranchHistory, lsn: string): number | undefined {
  const { earliest, latest, lines } = history
  const points = [earliest, latest, ...lines.flatMap(({ snapshots }) => snapshots)]
  return msOfLsn(
    lsn,
    points.flatMap((point) =>
      point === undefined ? [] : [{ ms: Date.parse(point.timestamp), lsn: point.lsn }],
    ),
  )
}

function restorePointsOf(history: BranchHistory, bounds: TimeView): number[] {
  const all = history.lines.flatMap(({ snapshots }) =>
    snapshots.map(({ timestamp }) => Date.parse(timestamp)),
  )
  return [...new Set(all)].filter((ms) => ms >= bounds.fromMs)
}

function useMarkers(
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
function useActivity(branch: Branch, bounds: TimeView): Segment[] {
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

interface ZoomButtonsProps {
  bounds: TimeView
  view: TimeView
  onView: (view: TimeView) => void
  ms: number
}

function ZoomButtons({ bounds, view, onView, ms }: ZoomButtonsProps): ReactNode {
  const zoom = (factor: number): void => onView(zoomView(view, bounds, factor, clampTo(bounds, ms)))
  const isWhole = spanOf(view) >= spanOf(bounds)
  return (
    <Group gap={2}>
      <Text size="sm" c="var(--faint)" mr={6} className="figures">
        {formatDuration(Math.max(1, spanOf(view) / 1000))} shown
      </Text>
      <Tooltip label="Closer (+)">
        <ActionIcon aria-label="Closer" onClick={() => zoom(zoomStep)}>
          <IconZoomIn size={18} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Further (-)">
        <ActionIcon
          className={classes['icon'] ?? ''}
          aria-label="Further"
          disabled={isWhole}
          onClick={() => zoom(1 / zoomStep)}
        >
          <IconZoomOut size={18} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="The whole window (0)">
        <ActionIcon
          className={classes['icon'] ?? ''}
          aria-label="The whole window"
          disabled={isWhole}
          onClick={() => onView(bounds)}
        >
          <IconArrowsMaximize size={18} />
        </ActionIcon>
      </Tooltip>
    </Group>
  )
}

interface NearbyProps {
  markers: readonly Marker[]
  ms: number
  onChoose: (ms: number) => void
}

/** What happened just before and just after, and the way there. */
function Nearby({ markers, ms, onChoose }: NearbyProps): ReactNode {
  const { before, after } = neighboursOf(markers, ms)
  const told = (marker: Marker | undefined, word: string): string =>
    marker === undefined
      ? `nothing marked ${word}`
      : `${marker.label}, ${formatDuration(Math.abs(ms - marker.ms) / 1000)} ${word}`
  return (
    <Stack gap={0} miw={0}>
      {[
        { marker: before, Glyph: IconPlayerSkipBack, name: 'Previous event', word: 'earlier' },
        { marker: after, Glyph: IconPlayerSkipForward, name: 'Next event', word: 'later' },
      ].map(({ marker, Glyph, name, word }) => (
        <Group key={name} gap={4} wrap="nowrap">
          <ActionIcon
            size="sm"
            className={classes['icon'] ?? ''}
            aria-label={name}
            disabled={marker === undefined}
            onClick={() => marker && onChoose(marker.ms)}
          >
            <Glyph size={14} />
          </ActionIcon>
          <Text size="sm" c="var(--faint)" truncate>
            {told(marker, word)}
          </Text>
        </Group>
      ))}
    </Stack>
  )
}

function Legend(): ReactNode {
  return (
    <div className={classes['legend']}>
      <span>
        <span className={classes['key']} data-of="awake" /> compute awake
      </span>
      <span>
        <span className={classes['key']} data-of="frozen" /> frozen
      </span>
      <span>
        <span className={classes['key']} data-of="point" /> a recovery can begin here
      </span>
    </div>
  )
}
