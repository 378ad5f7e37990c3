import { useParams } from 'react-router'

/** The project that the address names. For pages below `/projects/:projectId` only. */
export function useProjectId(): string {
  return useRequired('projectId')
}

/** The branch that the address names, by id. For pages below `branches/:branchId` only. */
export function useBranchId(): string {
  return useRequired('branchId')
}

/** The rehearsal that the address names. For pages below `rehearsals/:rehearsalId` only. */
export function useRehearsalId(): string {
  return useRequired('rehearsalId')
}

function useRequired(name: string): string {
  const value = useParams()[name]
  if (value === undefined) throw new Error(`this page needs :${name} in its route`)
  return value
}
