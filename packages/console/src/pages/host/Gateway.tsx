import type { GatewayProcess, PlatformStatus } from '@coppice/api'
import { Badge } from '@mantine/core'
import { IconArrowsSplit2 } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'

const columns: Column<GatewayProcess>[] = [
  { title: 'Process', width: '60px', cell: ({ pid }) => pid },
  {
    title: 'State',
    width: '84px',
    cell: ({ state }) => (
      <Badge variant="light" color={state === 'serving' ? 'leaf' : 'yellow'} tt="none">
        {state}
      </Badge>
    ),
  },
  { title: 'Sessions', width: '64px', align: 'right', cell: ({ sessions }) => sessions },
  {
    title: 'Memory',
    width: '72px',
    align: 'right',
    wideOnly: true,
    cell: ({ memory_bytes }) => formatBytes(memory_bytes),
  },
  {
    title: 'Started',
    width: 'minmax(108px, 1fr)',
    align: 'right',
    cell: ({ started_at }) => <RelativeTime at={started_at} />,
  },
]

/** The processes that clients are connected to. */
export function Gateway({
  platform,
}: {
  platform: UseQueryResult<PlatformStatus, Error>
}): ReactNode {
  return (
    <Panel
      title="Gateway"
      description="Each takes clients on all ports. One that drains lets its sessions end."
      flush
    >
      <QueryView query={platform}>
        {({ gateway }) =>
          gateway.length === 0 ? (
            <EmptyState icon={IconArrowsSplit2} title="Within the daemon">
              COPPICE_GATEWAY_WORKERS is 0, so the daemon itself serves the clients.
            </EmptyState>
          ) : (
            <DataTable
              label="Gateway processes"
              rows={gateway}
              rowKey={({ pid }) => String(pid)}
              columns={columns}
              rowHeight={42}
            />
          )
        }
      </QueryView>
    </Panel>
  )
}
