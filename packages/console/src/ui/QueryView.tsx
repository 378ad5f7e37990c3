import { Skeleton, Stack } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { ErrorState } from './ErrorState.tsx'

interface QueryViewProps<T> {
  query: UseQueryResult<T, Error>
  /** How many lines stand for what loads. */
  skeletonLines?: number
  children: (data: T) => ReactNode
}

/**
 * What a query has answered, and before that its skeleton or its failure. Data that was read before
 * stays on the screen when reading it anew fails: the layout says that the platform is away.
 */
export function QueryView<T>({ query, skeletonLines = 4, children }: QueryViewProps<T>): ReactNode {
  if (query.data !== undefined) return children(query.data)
  if (query.error) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />
  return (
    <Stack gap="sm" p="md" role="status" aria-label="Loading">
      {Array.from({ length: skeletonLines }, (_, line) => (
        <Skeleton key={line} height={18} width={`${90 - ((line * 17) % 40)}%`} />
      ))}
    </Stack>
  )
}
