import { ApiError } from '@coppice/api/client'
import { QueryCache, QueryClient } from '@tanstack/react-query'

import { sessionKey } from './queries.ts'

/** Events say when something has changed (`events.ts`); this is for what they have missed all the same. */
const staleMs = 60_000
const retriesMax = 2

/** Answers that another try would not better: what the caller has to mend. */
const isFinal = (error: unknown): boolean => error instanceof ApiError && error.status < 500

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      // The session is over: the layout shows the sign-in.
      onError: (error) => {
        if (error instanceof ApiError && error.status === 401) {
          void client.invalidateQueries({ queryKey: sessionKey })
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: staleMs,
        retry: (failures, error) => !isFinal(error) && failures < retriesMax,
      },
    },
  })
  return client
}
