import { Anchor, Badge, Button, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconGitBranch, IconMoonStars } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

import { queries } from '../api/queries.ts'
import { ConnectPanel } from '../connect/ConnectPanel.tsx'
import { paths } from '../paths.ts'
import { CopyIcon } from '../ui/CopyField.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { ErrorState } from '../ui/ErrorState.tsx'
import { formatBytes, formatHours, formatMoney } from '../ui/format.ts'
import { OperationList } from '../ui/OperationList.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Panel } from '../ui/Panel.tsx'
import { QueryView } from '../ui/QueryView.tsx'
import { RelativeTime } from '../ui/RelativeTime.tsx'
import { StatTile } from '../ui/StatTile.tsx'
import { TextLink } from '../ui/TextLink.tsx'
import { UsageChart } from './UsageChart.tsx'
import { useProjectId } from './use-project-id.ts'

import classes from './dashboard.module.css'

const recentOperations = 6
const awakeShown = 6

/** A project at a glance: what it uses, who is awake, what has happened, how to connect. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const project = useQuery(queries.project(projectId))
  const branches = useQuery(queries.branches(projectId))
  const operations = useQuery(queries.operations(projectId))
  if (project.error && project.data === undefined) {
    return <ErrorState error={project.error} onRetry={() => void project.refetch()} />
  }
  const main = branches.data?.find((branch) => branch.default)
  return (
    <>
      <PageHeader
        title={project.data?.name ?? projectId}
        badges={
          project.data && (
            <Badge variant="light" tt="none">
              PostgreSQL {project.data.pg_version}
            </Badge>
          )
        }
        description={
          <Group gap={4}>
            <Text span size="sm" ff="monospace">
              {projectId}
            </Text>
            <CopyIcon value={projectId} label="Copy project id" />
          </Group>
        }
        actions={
          <Button
            component={Link}
            to={paths.branches(projectId)}
            leftSection={<IconGitBranch size={16} />}
          >
            Branches
          </Button>
        }
      />
      <Stack gap="md">
        <Figures projectId={projectId} />
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          <Panel title="Connect" description={main && `To ${main.name}, the default branch`}>
            {main && <ConnectPanel projectId={projectId} branch={main} />}
          </Panel>
          <Stack gap="md">
            <AwakeNow projectId={projectId} />
            <UsageChart projectId={projectId} />
          </Stack>
        </SimpleGrid>
        <Panel
          title="Activity"
          flush
          actions={
            <Anchor component={Link} to={paths.operations(projectId)} size="sm">
              All operations
            </Anchor>
          }
        >
          <QueryView query={operations}>
            {(found) => (
              <OperationList
                operations={found.slice(0, recentOperations)}
                branches={branches.data ?? []}
              />
            )}
          </QueryView>
        </Panel>
      </Stack>
    </>
  )
}

function Figures({ projectId }: { projectId: string }): ReactNode {
  const project = useQuery(queries.project(projectId)).data
  const branches = useQuery(queries.branches(projectId)).data
  const endpoints = useQuery(queries.endpoints(projectId)).data
  const awake = endpoints?.filter(({ current_state }) => current_state === 'active').length
  return (
    <SimpleGrid cols={{ base: 2, lg: 5 }} spacing="md" className={classes['figures'] ?? ''}>
      <StatTile
        label="Branches"
        value={branches?.length}
        note={awake === undefined ? ' ' : awake === 0 ? 'all asleep' : `${awake} awake`}
      />
      <StatTile
        label="Compute this month"
        value={project && formatHours(project.compute_time_seconds)}
        note={project ? `awake for ${formatHours(project.active_time_seconds)}` : ' '}
      />
      <StatTile
        label="Storage"
        value={project && formatBytes(project.synthetic_storage_size)}
        note="data and history"
      />
      <StatTile
        label="Transfer this month"
        value={project && formatBytes(project.data_transfer_bytes)}
        note={project ? `${formatBytes(project.written_data_bytes)} written` : ' '}
      />
      <CostTile projectId={projectId} />
    </SimpleGrid>
  )
}

/** What it all costs, and the way to the page that says why. */
function CostTile({ projectId }: { projectId: string }): ReactNode {
  const cost = useQuery(queries.cost(projectId)).data
  const money = (amount: number): string => formatMoney(amount, cost?.prices.currency ?? 'USD')
  return (
    <StatTile
      label="Cost this month"
      value={cost && money(cost.total)}
      note={cost ? `${money(cost.estimate)} expected` : ' '}
      to={paths.cost(projectId)}
    />
  )
}

/** The branches whose computes are awake, and since when. */
function AwakeNow({ projectId }: { projectId: string }): ReactNode {
  const endpoints = useQuery(queries.endpoints(projectId))
  const branches = useQuery(queries.branches(projectId)).data ?? []
  return (
    <Panel title="Awake now">
      <QueryView query={endpoints} skeletonLines={2}>
        {(found) => {
          const awake = found.filter(({ current_state }) => current_state === 'active')
          if (awake.length === 0) {
            return (
              <EmptyState icon={IconMoonStars} title="Everything sleeps">
                A compute wakes with the next connection, in about a tenth of a second.
              </EmptyState>
            )
          }
          return (
            <Stack gap={8}>
              {awake.slice(0, awakeShown).map(({ id, branch_id, started_at, type }) => (
                <Group key={id} justify="space-between" wrap="nowrap">
                  <TextLink to={paths.branch(projectId, branch_id)}>
                    {branches.find((branch) => branch.id === branch_id)?.name ?? branch_id}
                    {type === 'read_only' && ' (read replica)'}
                  </TextLink>
                  <Text size="sm" c="var(--faint)">
                    woke <RelativeTime at={started_at} />
                  </Text>
                </Group>
              ))}
              {awake.length > awakeShown && (
                <Text size="sm" c="var(--faint)">
                  and {awake.length - awakeShown} more
                </Text>
              )}
            </Stack>
          )
        }}
      </QueryView>
    </Panel>
  )
}
