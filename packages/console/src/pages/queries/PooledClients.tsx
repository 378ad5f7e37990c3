import type { Endpoint, PoolerClient } from '@coppice/api'
import { Badge, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { formatMilliseconds } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'

const everyMs = 2000
const clientsMax = 200

const stateColors = { active: 'leaf', waiting: 'yellow', idle: 'gray' } as const

/** Clients of the compute's pools, those first that wait or keep a server connection to themselves. */
export function PooledClients({ endpoint: { id, project_id } }: { endpoint: Endpoint }): ReactNode {
  const clients = useQuery({
    queryKey: ['pooler', project_id, id, 'clients'],
    queryFn: async () =>
      api.listProjectEndpointPoolerClients({
        path: { project_id, endpoint_id: id },
        query: { limit: clientsMax },
      }),
    refetchInterval: everyMs,
    retry: false,
  })
  return (
    <Panel
      flush
      title="Pooled clients"
      description={
        clients.data && clients.data.total > clientsMax
          ? `${clientsMax} of ${clients.data.total}`
          : 'On the pooled port, whether or not the compute is awake'
      }
    >
      <QueryView query={clients} skeletonLines={2}>
        {(found) =>
          found.clients.length === 0 ? (
            <Text size="sm" c="var(--faint)" px="md" pb="md">
              Nobody is connected to a pool.
            </Text>
          ) : (
            <DataTable
              label="Pooled clients"
              rows={found.clients}
              rowKey={(client) => String(client.id)}
              columns={columns}
              rowHeight={56}
              maxHeight={400}
            />
          )
        }
      </QueryView>
    </Panel>
  )
}

const columns: Column<PoolerClient>[] = [
  {
    title: 'State',
    width: '110px',
    cell: ({ state, wait_ms }) => (
      <Badge variant="light" color={stateColors[state]} tt="none">
        {state === 'waiting' ? `waits ${formatMilliseconds(wait_ms)}` : state}
      </Badge>
    ),
  },
  {
    title: 'Who',
    width: 'minmax(110px, 1.4fr)',
    cell: ({ role, database, application_name }) => (
      <>
        <Text size="sm" truncate>
          {role} in {database}
        </Text>
        <Text size="xs" c="var(--faint)" truncate>
          {application_name === '' ? 'no application name' : application_name}
        </Text>
      </>
    ),
  },
  {
    title: 'Pinned because',
    width: 'minmax(90px, 2fr)',
    cell: ({ pinned_because: reasons }) =>
      reasons.length === 0 ? (
        <Text size="sm" c="var(--faint)">
          –
        </Text>
      ) : (
        <Text size="sm" truncate title={reasons.join(', ')}>
          {reasons.join(', ')}
        </Text>
      ),
  },
  {
    title: 'From',
    width: 'minmax(110px, 1fr)',
    wideOnly: true,
    cell: ({ address, via }) => (via === 'http' ? 'HTTP' : address),
  },
  {
    title: 'Last request',
    width: '130px',
    align: 'right',
    wideOnly: true,
    cell: ({ last_request_at }) => <RelativeTime at={last_request_at} />,
  },
]
