import type { Endpoint } from '@coppice/api'
import { Alert, Button, Group } from '@mantine/core'
import { IconMoonStars, IconServerOff, IconSun } from '@tabler/icons-react'
import { type UseQueryResult, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { isAsleep } from '../../api/quiet-query.ts'
import { useAction } from '../../api/use-action.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { QueryView } from '../../ui/QueryView.tsx'

interface QuietViewProps<T> {
  query: UseQueryResult<T, Error>
  /** Undefined where the branch has none. */
  endpoint: Endpoint | undefined
  /** Whether what was last seen is worth showing while it sleeps. */
  keepsLast?: boolean
  skeletonLines?: number
  children: (data: T) => ReactNode
}

/** What a compute has answered to a look that is not to wake it; while it sleeps, a button that does. */
export function QuietView<T>(props: QuietViewProps<T>): ReactNode {
  const { query, endpoint, keepsLast = false, skeletonLines = 6, children } = props
  if (endpoint === undefined) {
    return (
      <EmptyState icon={IconServerOff} title="This branch has no compute">
        Nothing runs on it. Add a compute on the page of the branch.
      </EmptyState>
    )
  }
  if (endpoint.current_state !== 'active' || isAsleep(query.error)) {
    if (query.data === undefined || !keepsLast) return <Asleep endpoint={endpoint} />
    return (
      <>
        <Alert color="gray" icon={<IconMoonStars size={18} />} m="md">
          <Group justify="space-between">
            It sleeps. This is what was last seen.
            <WakeButton endpoint={endpoint} isSmall />
          </Group>
        </Alert>
        {children(query.data)}
      </>
    )
  }
  return (
    <QueryView query={query} skeletonLines={skeletonLines}>
      {children}
    </QueryView>
  )
}

function Asleep({ endpoint }: { endpoint: Endpoint }): ReactNode {
  return (
    <EmptyState icon={IconMoonStars} title="Asleep" action={<WakeButton endpoint={endpoint} />}>
      Nothing runs on it while it sleeps. This page neither wakes it nor keeps it awake; wake it to
      look.
    </EmptyState>
  )
}

function WakeButton({
  endpoint: { id, project_id },
  isSmall = false,
}: {
  endpoint: Endpoint
  isSmall?: boolean
}): ReactNode {
  const client = useQueryClient()
  const wake = useAction({
    run: async () => api.startProjectEndpoint({ path: { project_id, endpoint_id: id } }),
    onDone: () => void client.resetQueries({ queryKey: ['quiet', project_id] }),
  })
  return (
    <Button
      mt={isSmall ? 0 : 'xs'}
      size={isSmall ? 'xs' : 'sm'}
      variant={isSmall ? 'default' : 'filled'}
      leftSection={<IconSun size={16} />}
      loading={wake.isPending}
      onClick={() => wake.mutate()}
    >
      Wake it
    </Button>
  )
}
