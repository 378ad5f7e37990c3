import { Button, Center, type CenterProps } from '@mantine/core'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

interface LoadOlderProps extends CenterProps {
  pages: Pick<UseInfiniteQueryResult, 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'>
}

/** At the end of a list that is read page by page, while there is more of it. */
export function LoadOlder({ pages, ...place }: LoadOlderProps): ReactNode {
  if (!pages.hasNextPage) return null
  return (
    <Center {...place}>
      <Button
        variant="default"
        loading={pages.isFetchingNextPage}
        onClick={() => void pages.fetchNextPage()}
      >
        Load older ones
      </Button>
    </Center>
  )
}
