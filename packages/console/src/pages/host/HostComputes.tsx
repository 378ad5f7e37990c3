import type { AwakeReason, ComputeStatus, PlatformStatus } from '@coppice/api'
import { Group, SegmentedControl, Text } from '@mantine/core'
import { IconMoonStars } from '@tabler/icons-react'
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { queries } from '../../api/queries.ts'
import { paths } from '../../paths.ts'
import { ComputeState } from '../../ui/ComputeState.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatAmount, formatBytes, formatComputeUnits } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { TextLink } from '../../ui/TextLink.tsx'
import { useCpuRates } from './cpu-rates.ts'

interface HostComputesProps {
  platform: UseQueryResult<PlatformStatus, Error>
}

type Filter = 'awake' | 'all'

/** The computes of all projects: which are awake, what they take of the machine, and why they do not sleep. */
export function HostComputes({ platform }: HostComputesProps): ReactNode {
  const [filter, setFilter] = useState<Filter>('awake')
  return (
    <Panel
      title="Computes"
      flush
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Which computes"
          value={filter}
          onChange={(value) => setFilter(value as Filter)}
          data={[
            { value: 'awake', label: 'Awake' },
            { value: 'all', label: 'All' },
          ]}
        />
      }
    >
      <QueryView query={platform}>
        {({ computes, limits }) => (
          <Computes
            computes={computes.filter((one) => filter === 'all' || isOnMachine(one, limits))}
            waiting={limits.waiting_endpoints}
            atMs={platform.dataUpdatedAt}
          />
        )}
      </QueryView>
    </Panel>
  )
}

/** What it takes of the machine now, or is about to. */
const isOnMachine = (
  { current_state, endpoint_id }: ComputeStatus,
  { waiting_endpoints }: PlatformStatus['limits'],
): boolean => current_state !== 'idle' || waiting_endpoints.includes(endpoint_id)

interface ComputesProps {
  computes: readonly ComputeStatus[]
  waiting: readonly string[]
  atMs: number
}

function Computes({ computes, waiting, atMs }: ComputesProps): ReactNode {
  const projects = useQuery(queries.projects()).data ?? []
  const rates = useCpuRates(computes, atMs)
  if (computes.length === 0) {
    return (
      <EmptyState icon={IconMoonStars} title="Everything sleeps">
        A compute wakes with the next connection, in about a tenth of a second.
      </EmptyState>
    )
  }
  const columns: Column<ComputeStatus>[] = [
    {
      title: 'Branch',
      width: 'minmax(110px, 1.6fr)',
      cell: ({ project_id, branch_id, branch_name, type }) => (
        <>
          <TextLink to={paths.branch(project_id, branch_id)}>
            {branch_name}
            {type === 'read_only' && ' (read replica)'}
          </TextLink>
          <Text size="xs" c="var(--faint)" truncate>
            {projects.find(({ id }) => id === project_id)?.name ?? project_id}
          </Text>
        </>
      ),
    },
    {
      title: 'State',
      width: '96px',
      cell: ({ endpoint_id, current_state, frozen }) =>
        waiting.includes(endpoint_id) ? (
          <Text size="sm">Waits ({waiting.indexOf(endpoint_id) + 1}.)</Text>
        ) : (
          <ComputeState state={current_state} isFrozen={frozen} />
        ),
    },
    {
      title: 'Size',
      width: 'minmax(136px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: (compute) => <Size compute={compute} />,
    },
    {
      title: 'CPU',
      width: '64px',
      align: 'right',
      wideOnly: true,
      cell: ({ endpoint_id }) => {
        const rate = rates.get(endpoint_id)
        return rate === undefined ? '–' : `${formatAmount(Math.round(rate * 100))} %`
      },
    },
    {
      title: 'Memory',
      width: 'minmax(76px, 0.8fr)',
      align: 'right',
      cell: ({ memory_bytes }) => formatBytes(memory_bytes),
    },
    {
      title: 'Sessions',
      width: '72px',
      align: 'right',
      wideOnly: true,
      cell: ({ sessions }) => sessions,
    },
    {
      title: 'Sleeps',
      width: 'minmax(130px, 1.4fr)',
      wideOnly: true,
      cell: (compute) => <Sleep compute={compute} />,
    },
  ]
  return (
    <DataTable
      label="Computes"
      rows={computes.toSorted((one, other) => rank(one) - rank(other))}
      rowKey={({ endpoint_id }) => endpoint_id}
      columns={columns}
      rowHeight={54}
      maxHeight={460}
    />
  )
}

/** What runs first, then what is frozen, then what sleeps. */
const rank = ({ current_state, frozen }: ComputeStatus): number =>
  current_state === 'idle' ? 2 : frozen ? 1 : 0

function Size({ compute }: { compute: ComputeStatus }): ReactNode {
  const { compute_units, min_compute_units: min, max_compute_units: max } = compute
  const bounds = formatComputeUnits(min, max)
  if (compute_units === undefined || min === max) return bounds
  return `${compute_units} of ${bounds}`
}

/** What keeps it awake; else when it will sleep, or since when it does. */
function Sleep({ compute }: { compute: ComputeStatus }): ReactNode {
  const { awake, suspend_at, current_state, last_active } = compute
  const keeping = awake.filter(({ quiet }) => quiet !== true)
  if (keeping.length > 0) {
    const text = keeping.map(describeReason).join('; ')
    return (
      <Text size="sm" truncate title={text}>
        kept awake: {text}
      </Text>
    )
  }
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="sm" c="var(--faint)" span>
        {current_state === 'idle' ? 'last used' : 'sleeps'}
      </Text>
      <Text size="sm" c="var(--faint)" span>
        {current_state === 'idle' || suspend_at !== undefined ? (
          <RelativeTime at={current_state === 'idle' ? last_active : suspend_at} />
        ) : (
          'never'
        )}
      </Text>
    </Group>
  )
}

function describeReason({ reason, application_name, role }: AwakeReason): string {
  const who = [application_name, role].filter(Boolean).join(' as ')
  return who === '' ? reason : `${reason} (${who})`
}
