import { useQuery } from '@tanstack/react-query'

import { queries } from '../api/queries.ts'

/**
 * Whether the compute that writes to a branch is awake, so that reading in its databases wakes nothing;
 * undefined until that is known.
 */
export function useIsAwake(projectId: string, branchId: string | undefined): boolean | undefined {
  const endpoints = useQuery(queries.endpoints(projectId)).data
  return endpoints?.some(
    ({ branch_id, type, current_state }) =>
      branch_id === branchId && type === 'read_write' && current_state === 'active',
  )
}
