import type {
  PlatformSample,
  PlatformStatus,
  PoolBranch,
  PoolContents,
  PoolProject,
} from '@coppice/api'
import { Badge, Box, Code, Group, SegmentedControl, SimpleGrid, Text } from '@mantine/core'
import { IconDatabase } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { paths } from '../../paths.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatAmount, formatBytes } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { TextLink } from '../../ui/TextLink.tsx'
import { poolGrowth } from './pool-growth.ts'
import { PoolUse } from './PoolUse.tsx'

import classes from './host.module.css'

interface PoolPanelProps {
  status: PlatformStatus | undefined
  pool: UseQueryResult<PoolContents, Error>
  /** Oldest first. */
  samples: readonly PlatformSample[]
}

type Grouping = 'project' | 'branch'

/** Where the data lies: how much of it is in use, by what, and how fast it fills. */
export function PoolPanel({ status, pool, samples }: PoolPanelProps): ReactNode {
  const [by, setBy] = useState<Grouping>('project')
  return (
    <Panel
      title="Storage pool"
      flush
      actions={
        <SegmentedControl
          size="xs"
          aria-label="What takes the pool"
          value={by}
          onChange={(value) => setBy(value as Grouping)}
          data={[
            { value: 'project', label: 'Projects' },
            { value: 'branch', label: 'Branches' },
          ]}
        />
      }
    >
      <QueryView query={pool}>
        {(found) => (
          <>
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" px="md" pb="md">
              <Box>
                <Shares pool={found} />
                {status && <Place status={status} />}
              </Box>
              <Growth pool={found} samples={samples} />
            </SimpleGrid>
            {by === 'project' ? (
              <Projects projects={found.projects} />
            ) : (
              <Branches branches={found.branches} />
            )}
          </>
        )}
      </QueryView>
    </Panel>
  )
}

/** A bar of the whole pool. */
function Shares({ pool }: { pool: PoolContents }): ReactNode {
  const { total_bytes: total, free_bytes: free, reserve_bytes, exclusive_bytes } = pool
  const used = total - free
  const own = Math.min(exclusive_bytes, used)
  const reserve = Math.min(reserve_bytes, free)
  const parts = [
    ...(own > 0 ? [{ name: 'Of one branch alone', bytes: own, kind: 'own' }] : []),
    {
      name: own > 0 ? 'Shared, history and the rest' : 'Data and history',
      bytes: used - own,
      kind: 'shared',
    },
    { name: 'Free', bytes: free - reserve, kind: 'free' },
    { name: 'Kept for what runs', bytes: reserve, kind: 'reserve' },
  ]
  return (
    <>
      <div
        className={classes['poolBar']}
        role="img"
        aria-label={`${formatBytes(free)} of ${formatBytes(total)} free`}
      >
        {parts.map(({ name, bytes, kind }) => (
          <div
            key={name}
            data-kind={kind}
            title={`${name}: ${formatBytes(bytes)}`}
            style={{ width: `${(bytes / total) * 100}%` }}
          />
        ))}
      </div>
      <dl className={classes['legend']}>
        {parts.map(({ name, bytes, kind }) => (
          <div key={name}>
            <dt data-kind={kind}>{name}</dt>
            <dd>{formatBytes(bytes)}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

const driverTexts: Readonly<Record<string, string>> = {
  btrfs: 'btrfs: branches are snapshots',
  reflink: 'reflink: branches share blocks file by file',
  copy: 'copy: every branch is a full copy',
}

function Place({ status }: { status: PlatformStatus }): ReactNode {
  const { driver, path, image } = status.pool
  return (
    <Text size="sm" c="var(--faint)" mt="md" component="div" style={{ overflowWrap: 'anywhere' }}>
      {driverTexts[driver] ?? driver}. In <Code>{path}</Code>
      {image !== undefined && (
        <>
          , a file system of its own in <Code>{image}</Code>
        </>
      )}
    </Text>
  )
}

function Growth({
  pool,
  samples,
}: {
  pool: PoolContents
  samples: readonly PlatformSample[]
}): ReactNode {
  const growth = poolGrowth(samples, pool.reserve_bytes)
  return (
    <Box>
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={550}>
          In use, the last two weeks
        </Text>
        <Text size="sm" c="var(--faint)" className="figures">
          {growth === undefined
            ? 'growth is known after an hour'
            : `${growth.bytesPerDay < 0 ? '−' : '+'}${formatBytes(Math.abs(growth.bytesPerDay))} a day${lasting(growth.daysLeft)}`}
        </Text>
      </Group>
      <PoolUse samples={samples} />
    </Box>
  )
}

function lasting(days: number | undefined): string {
  if (days === undefined || days > 3650) return ''
  return days < 1 ? ', full within a day' : `, lasts ${formatAmount(Math.floor(days))} days`
}

function Projects({ projects }: { projects: readonly PoolProject[] }): ReactNode {
  const columns: Column<PoolProject>[] = [
    {
      title: 'Project',
      width: 'minmax(110px, 2fr)',
      cell: ({ project_id, project_name }) => (
        <TextLink to={paths.project(project_id)}>{project_name}</TextLink>
      ),
    },
    {
      title: 'Branches',
      width: 'minmax(70px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ branches }) => branches,
    },
    ...sizeColumns<PoolProject>(),
  ]
  if (projects.length === 0) return <NothingStored />
  return (
    <DataTable
      label="Projects in the pool"
      rows={projects}
      rowKey={({ project_id }) => project_id}
      columns={columns}
      rowHeight={42}
      maxHeight={340}
    />
  )
}

function Branches({ branches }: { branches: readonly PoolBranch[] }): ReactNode {
  const columns: Column<PoolBranch>[] = [
    {
      title: 'Branch',
      width: 'minmax(110px, 2fr)',
      cell: ({ project_id, branch_id, branch_name, kind }) => (
        <Group gap={8} wrap="nowrap">
          {kind === 'branch' ? (
            <TextLink to={paths.branch(project_id, branch_id)}>{branch_name}</TextLink>
          ) : (
            <Text size="sm" truncate>
              {branch_name}
            </Text>
          )}
          {kind !== 'branch' && (
            <Badge size="sm" variant="light" color="gray" tt="none">
              {kind}
            </Badge>
          )}
        </Group>
      ),
    },
    {
      title: 'Project',
      width: 'minmax(90px, 1.4fr)',
      wideOnly: true,
      cell: ({ project_name }) => project_name,
    },
    ...sizeColumns<PoolBranch>(),
  ]
  if (branches.length === 0) return <NothingStored />
  return (
    <DataTable
      label="Branches in the pool"
      rows={branches}
      rowKey={({ branch_id }) => branch_id}
      columns={columns}
      rowHeight={42}
      maxHeight={340}
    />
  )
}

interface Sized {
  logical_size_bytes?: number
  exclusive_bytes?: number
}

const sizeColumns = <Row extends Sized>(): Column<Row>[] => [
  {
    title: 'Databases',
    width: 'minmax(90px, 1fr)',
    align: 'right',
    cell: ({ logical_size_bytes }) => formatBytes(logical_size_bytes),
  },
  {
    title: 'Its own',
    width: 'minmax(90px, 1fr)',
    align: 'right',
    cell: ({ exclusive_bytes }) => formatBytes(exclusive_bytes),
  },
]

function NothingStored(): ReactNode {
  return (
    <EmptyState icon={IconDatabase} title="Nothing is stored yet">
      Projects and branches are listed here with what they take.
    </EmptyState>
  )
}
