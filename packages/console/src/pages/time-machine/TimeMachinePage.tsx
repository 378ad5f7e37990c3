import type { Branch, BranchHistory } from '@coppice/api'
import { Anchor, Group, SimpleGrid, Stack } from '@mantine/core'
import { IconHistoryOff } from '@tabler/icons-react'
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
import { type Moment, momentAt } from '../../ui/moment.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useNow } from '../../ui/RelativeTime.tsx'
import { localText, spanOf, type TimeView } from '../../ui/time-view.ts'
import { useProjectId } from '../use-project-id.ts'
import { BackupSchedule } from './BackupSchedule.tsx'
import type { Migration } from './markers.ts'
import { MomentActions } from './MomentActions.tsx'
import { MomentField } from './MomentField.tsx'
import { Legend, Nearby, ZoomButtons } from './SliderControls.tsx'
import { Snapshots } from './Snapshots.tsx'
import { ThenAndNow } from './ThenAndNow.tsx'
import { TimeSlider } from './TimeSlider.tsx'
import { placeOf, restorePointsOf, useActivity, useMarkers } from './use-history-marks.ts'
import { useMoment } from './use-moment.ts'

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
