import type { Operation } from '@coppice/api'
import { SegmentedControl, Text } from '@mantine/core'
import { IconActivity } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useSearchParams } from 'react-router'

import { api } from '../api/client.ts'
import { operationsPageSize, queries } from '../api/queries.ts'
import { EmptyState } from '../ui/EmptyState.tsx'
import { LoadOlder } from '../ui/LoadOlder.tsx'
import { isOpen, OperationList } from '../ui/OperationList.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Panel } from '../ui/Panel.tsx'
import { QueryView } from '../ui/QueryView.tsx'
import { useProjectId } from './use-project-id.ts'

type Filter = 'all' | 'open' | 'failed'

const filters: Readonly<Record<Filter, (operation: Operation) => boolean>> = {
  all: () => true,
  open: isOpen,
  failed: ({ status }) => status === 'failed' || status === 'error',
}

/** Everything that the platform has done for a project. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const branches = useQuery(queries.branches(projectId)).data ?? []
  const [search, setSearch] = useSearchParams()
  const filter =
    (Object.keys(filters) as Filter[]).find((one) => one === search.get('show')) ?? 'all'
  const pages = useInfiniteQuery({
    queryKey: ['operations', projectId, 'pages'],
    queryFn: async ({ pageParam }) =>
      api.listProjectOperations({
        path: { project_id: projectId },
        query: { limit: operationsPageSize, ...(pageParam && { cursor: pageParam }) },
      }),
    initialPageParam: '',
    getNextPageParam: (page) => page.pagination?.cursor,
  })
  return (
    <>
      <PageHeader
        title="Operations"
        description="What the platform does and has done for this project, newest first. Kept for seven months."
        actions={
          <SegmentedControl
            aria-label="Which operations"
            value={filter}
            onChange={(value) => setSearch(value === 'all' ? {} : { show: value })}
            data={[
              { value: 'all', label: 'All' },
              { value: 'open', label: 'Running' },
              { value: 'failed', label: 'Failed' },
            ]}
          />
        }
      />
      <Panel flush>
        <QueryView query={pages} skeletonLines={8}>
          {(data) => {
            const operations = data.pages.flatMap((page) => page.operations).filter(filters[filter])
            if (operations.length === 0) return <NoOperations filter={filter} />
            return <OperationList operations={operations} branches={branches} />
          }}
        </QueryView>
      </Panel>
      <LoadOlder pages={pages} mt="md" />
    </>
  )
}

function NoOperations({ filter }: { filter: Filter }): ReactNode {
  const title = {
    all: 'Nothing has been done yet',
    open: 'Nothing is going on',
    failed: 'Nothing has failed',
  }[filter]
  return (
    <EmptyState icon={IconActivity} title={title}>
      <Text size="sm">
        Branches, computes and settings that change are recorded here, with how long it took.
      </Text>
    </EmptyState>
  )
}
