import type { PlatformSample, PlatformStatus, PoolContents } from '@coppice/api'
import { Alert, SimpleGrid, Stack } from '@mantine/core'
import { IconAlertTriangle, IconLock } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { queries } from '../../api/queries.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatAmount, formatBytes } from '../../ui/format.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { StatTile } from '../../ui/StatTile.tsx'
import { Admission } from './Admission.tsx'
import { Doctor } from './Doctor.tsx'
import { Gateway } from './Gateway.tsx'
import { HostComputes } from './HostComputes.tsx'
import { PlatformFacts } from './PlatformFacts.tsx'
import { PoolPanel } from './PoolPanel.tsx'
import { hostWarnings } from './warnings.ts'

/** As often as somebody who watches it wants to see it move. */
const refetchInterval = 5000
/** For which samples are kept. */
const sampledDays = 14

/** The machine and what runs on it. For keys that reach all of the platform. */
export function Component(): ReactNode {
  const session = useQuery(queries.session()).data
  if (session?.project_id !== undefined) return <OutOfReach />
  return <Host />
}

function OutOfReach(): ReactNode {
  return (
    <>
      <PageHeader title="Host" description="The machine and what runs on it." />
      <Panel>
        <EmptyState icon={IconLock} title="The host is the owner’s business">
          You are signed in with a key for one project, which does not reach the machine that it
          runs on. Sign in with a key of the owner or of the whole organization.
        </EmptyState>
      </Panel>
    </>
  )
}

function Host(): ReactNode {
  const platform = useQuery({ ...queries.platform(), refetchInterval })
  const pool = useQuery({ ...queries.pool(), refetchInterval })
  const metrics = useQuery(queries.platformMetrics(sampledDays))
  const status = platform.data
  return (
    <>
      <PageHeader
        title="Host"
        description={
          status ? (
            <>
              Coppice {status.version}, process {status.pid}, started{' '}
              <RelativeTime at={status.started_at ?? undefined} />
            </>
          ) : (
            'The machine and what runs on it.'
          )
        }
      />
      <Stack gap="md">
        {status && <Warnings status={status} pool={pool.data} />}
        <Figures status={status} pool={pool.data} sample={metrics.data?.at(-1)} />
        <PoolPanel status={status} pool={pool} samples={metrics.data ?? []} />
        <HostComputes platform={platform} />
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          <Stack gap="md">
            <Gateway platform={platform} />
            <Admission platform={platform} />
          </Stack>
          <Panel title="Platform">
            <QueryView query={platform} skeletonLines={8}>
              {(found) => (
                <PlatformFacts status={found} storeBytes={metrics.data?.at(-1)?.store_bytes} />
              )}
            </QueryView>
          </Panel>
        </SimpleGrid>
        <Doctor />
      </Stack>
    </>
  )
}

interface WarningsProps {
  status: PlatformStatus
  pool: PoolContents | undefined
}

function Warnings({ status, pool }: WarningsProps): ReactNode {
  return hostWarnings(status, pool).map(({ severity, title, message }) => (
    <Alert
      key={title}
      color={severity}
      icon={<IconAlertTriangle size={18} />}
      title={title}
      role="status"
    >
      <CodeText>{message}</CodeText>
    </Alert>
  ))
}

interface FiguresProps {
  status: PlatformStatus | undefined
  pool: PoolContents | undefined
  /** The last one. */
  sample: PlatformSample | undefined
}

function Figures({ status, pool, sample }: FiguresProps): ReactNode {
  const computes = status?.computes ?? []
  const frozen = computes.filter((compute) => compute.frozen).length
  const most = status?.limits.max_awake
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <StatTile
        label="Computes awake"
        value={status && status.limits.awake}
        note={
          status
            ? `of ${most === undefined ? computes.length : `at most ${most}`}${frozen > 0 ? `, ${frozen} frozen` : ''}${status.limits.waiting > 0 ? `, ${status.limits.waiting} wait` : ''}`
            : ' '
        }
      />
      <StatTile
        label="Pool"
        value={pool && formatBytes(pool.total_bytes - pool.free_bytes)}
        note={pool ? `of ${formatBytes(pool.total_bytes)} in use` : ' '}
      />
      <StatTile
        label="Memory"
        value={sample && formatBytes(sample.host_memory_used_bytes)}
        note={sample ? `of ${formatBytes(sample.host_memory_total_bytes)} in use` : ' '}
      />
      <StatTile
        label="Load"
        value={sample && formatAmount(sample.host_load)}
        note="over the last minute"
      />
    </SimpleGrid>
  )
}
